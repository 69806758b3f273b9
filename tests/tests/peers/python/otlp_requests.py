"""Decodes the OTLP requests of its input, base64 each, with OpenTelemetry's definitions for Python, and prints them as JSON."""

import base64
import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def decoded(text):
    request = ExportTraceServiceRequest()
    request.ParseFromString(base64.b64decode(text, validate=True))
    return MessageToDict(request)


json.dump([decoded(text) for text in json.load(sys.stdin)], sys.stdout)
