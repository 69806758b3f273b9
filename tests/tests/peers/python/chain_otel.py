"""One hop of a chain: a server with OpenTelemetry and its propagator for X-Ray, which sends its spans as OTLP.

Arguments: the service's name, the address to send spans to, and the URL of the next hop, if there is one. It answers with what
each hop from here on knows of the trace.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import ProxyHandler, Request, build_opener

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, set_span_in_context

name, address, *following = sys.argv[1:]
provider = TracerProvider(resource=Resource.create({"service.name": name}), id_generator=AwsXRayIdGenerator())
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{address}/v1/traces")))
tracer = provider.get_tracer("chain")
propagator = AwsXRayPropagator()
opener = build_opener(ProxyHandler({}))


def call(url, context):
    attributes = {"http.request.method": "GET", "url.full": url}
    with tracer.start_as_current_span("GET", context, SpanKind.CLIENT, attributes) as span:
        headers = {}
        propagator.inject(headers, set_span_in_context(span, context))
        with opener.open(Request(url, headers=headers), timeout=60) as response:
            span.set_attribute("http.response.status_code", response.status)
            return json.load(response)


class Hop(BaseHTTPRequestHandler):
    def do_GET(self):
        # The propagator looks for one spelling only.
        context = propagator.extract({key.title(): value for key, value in self.headers.items()})
        attributes = {"http.request.method": "GET", "url.path": self.path}
        with tracer.start_as_current_span("GET /", context, SpanKind.SERVER, attributes) as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
            hops = [{"service": name, "trace_id": f"1-{trace_id[:8]}-{trace_id[8:]}"}]
            for url in following:
                hops += call(url, set_span_in_context(span, context))
            span.set_attribute("http.response.status_code", 200)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(hops).encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Hop)
print(f"{name} started successfully on port {server.server_port}.", flush=True)
server.serve_forever()
