"""Starts moto's X-Ray, puts the documents of its input to it, and prints what it then knows of their trace."""

import json
import sys
import time

import boto3
from moto.server import ThreadedMotoServer

wanted = json.load(sys.stdin)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
xray = boto3.client(
    "xray",
    endpoint_url=f"http://{host}:{port}",
    region_name="eu-central-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
)
put = xray.put_trace_segments(TraceSegmentDocuments=wanted["documents"])
got = xray.batch_get_traces(TraceIds=[wanted["trace_id"]])
now = time.time()
summaries = xray.get_trace_summaries(StartTime=now - 3600, EndTime=now + 3600)["TraceSummaries"]
server.stop()
json.dump({"put": put, "got": got, "summaries": summaries}, sys.stdout, default=str)
