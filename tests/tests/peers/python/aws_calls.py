"""Calls operations of the X-Ray API at the given URL, [name, parameters] each, from a list in its input, and prints the
answers, or the codes of the errors with their status. Times are printed as seconds since the epoch.
"""

import json
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

config = Config(
    retries={"total_max_attempts": 1},
    signature_version=UNSIGNED if "--unsigned" in sys.argv else None,
)
xray = boto3.client(
    "xray",
    endpoint_url=sys.argv[1],
    region_name="eu-central-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
    config=config,
)


def call(operation, parameters):
    try:
        answer = getattr(xray, operation)(**parameters)
    except ClientError as error:
        answer = error.response
        return {"error": answer["Error"]["Code"], "status": answer["ResponseMetadata"]["HTTPStatusCode"]}
    except ConnectionClosedError:
        return {"error": "connection closed"}
    del answer["ResponseMetadata"]
    return answer


json.dump(
    [call(*each) for each in json.load(sys.stdin)],
    sys.stdout,
    default=lambda time: time.timestamp(),
)
