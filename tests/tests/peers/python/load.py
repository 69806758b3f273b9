"""Asks a sampler at a steady rate and counts, second by second, what it samples.

Input, as JSON: `endpoint`, `seconds`, `per_second`, and `requests`, a list with `name`, `method`, `path` and `host`.
Output: for each name a list with [asked, sampled] of each second.
"""

import json
import sys
import time

# The sampler fetches its rules meanwhile.
HEAD_START_SECONDS = 2


def run(sampler):
    """Runs the load against `sampler(endpoint)`, a function that says whether a request is sampled."""
    load = json.load(sys.stdin)
    is_sampled = sampler(load["endpoint"])
    requests, per_second, seconds = load["requests"], load["per_second"], load["seconds"]
    is_sampled({"method": "GET", "path": "/first", "host": "first"})
    time.sleep(HEAD_START_SECONDS)

    counts = {request["name"]: [[0, 0] for _ in range(seconds)] for request in requests}
    start = time.monotonic()
    for tick in range(seconds * per_second):
        time.sleep(max(0.0, start + tick / per_second - time.monotonic()))
        second = min(int(time.monotonic() - start), seconds - 1)
        for request in requests:
            count = counts[request["name"]][second]
            count[0] += 1
            count[1] += bool(is_sampled(request))
    json.dump(counts, sys.stdout)
