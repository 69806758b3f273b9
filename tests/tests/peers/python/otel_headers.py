"""Reads the header values of its input with OpenTelemetry's propagator for X-Ray, and prints for each the span context
that it finds, and the header that it then writes.
"""

import json
import sys

from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.trace import get_current_span

propagator = AwsXRayPropagator()


def through(header):
    context = propagator.extract({"X-Amzn-Trace-Id": header})
    span = get_current_span(context).get_span_context()
    carrier = {}
    propagator.inject(carrier, context)
    return {
        "trace_id": f"{span.trace_id:032x}",
        "span_id": f"{span.span_id:016x}",
        "sampled": span.trace_flags.sampled,
        "header": carrier.get("X-Amzn-Trace-Id"),
    }


json.dump([through(header) for header in json.load(sys.stdin)], sys.stdout)
