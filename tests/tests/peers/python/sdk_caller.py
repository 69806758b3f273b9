"""A service with the X-Ray SDK: in a segment of its own it calls a URL, and prints what came of it.

Arguments: the daemon's address, the URL, 1 or 0 for whether the trace is sampled.
"""

import json
import sys

import requests
from aws_xray_sdk.core import patch, xray_recorder

daemon, url, sampled = sys.argv[1:]
xray_recorder.configure(service="caller", daemon_address=daemon, sampling=False)
patch(["requests"])

with xray_recorder.in_segment("caller", sampling=int(sampled)) as segment:
    response = requests.get(url, timeout=60)
response.raise_for_status()
json.dump(
    {
        "trace_id": segment.trace_id,
        "segment_id": segment.id,
        "header": response.request.headers["X-Amzn-Trace-Id"],
        "callee": response.json(),
    },
    sys.stdout,
)
