"""Calls PutTraceSegments of the X-Ray API at the given URL, once for each list of documents in its input, and prints
the answers: the unprocessed segments, or the error.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError

xray = boto3.client(
    "xray",
    endpoint_url=sys.argv[1],
    region_name="eu-central-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
)


def put(documents):
    try:
        answer = xray.put_trace_segments(TraceSegmentDocuments=documents)
    except ClientError as error:
        return {"error": error.response["Error"]["Code"]}
    return {"unprocessed": answer["UnprocessedTraceSegments"]}


json.dump([put(documents) for documents in json.load(sys.stdin)], sys.stdout)
