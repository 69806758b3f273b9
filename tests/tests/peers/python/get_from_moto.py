"""Finds all traces of the last hour as somebody would who has only boto3. Its argument is the endpoint; prints the documents of each."""

import json
import sys
import time

import boto3

json.load(sys.stdin)
xray = boto3.client(
    "xray",
    endpoint_url=sys.argv[1],
    region_name="eu-central-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
)
now = time.time()
pages = xray.get_paginator("get_trace_summaries").paginate(StartTime=now - 3600, EndTime=now + 60)
ids = [summary["Id"] for page in pages for summary in page["TraceSummaries"]]
traces = {}
for start in range(0, len(ids), 5):
    for trace in xray.batch_get_traces(TraceIds=ids[start : start + 5])["Traces"]:
        traces[trace["Id"]] = [segment["Document"] for segment in trace["Segments"]]
json.dump(traces, sys.stdout)
