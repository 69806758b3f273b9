// One hop of a chain: a server with OpenTelemetry and its propagator for X-Ray, which sends its spans as OTLP.
//
// Arguments: the service"s name, the address to send spans to, and the URL of the next hop, if there is one. It answers with what
// each hop from here on knows of the trace.

const http = require("http");
const { ROOT_CONTEXT, SpanKind, defaultTextMapGetter, defaultTextMapSetter, trace } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { AWSXRayIdGenerator } = require("@opentelemetry/id-generator-aws-xray");
const { AWSXRayPropagator } = require("@opentelemetry/propagator-aws-xray");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BasicTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");

const [name, address, ...following] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: `http://${address}/v1/traces` });
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": name }),
  idGenerator: new AWSXRayIdGenerator(),
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
const tracer = provider.getTracer("chain");
const propagator = new AWSXRayPropagator();

async function call(url, context) {
  const attributes = { "http.request.method": "GET", "url.full": url };
  const span = tracer.startSpan("GET", { kind: SpanKind.CLIENT, attributes }, context);
  const headers = {};
  propagator.inject(trace.setSpan(context, span), headers, defaultTextMapSetter);
  const response = await fetch(url, { headers });
  span.setAttribute("http.response.status_code", response.status);
  const hops = await response.json();
  span.end();
  return hops;
}

const server = http.createServer(async (request, response) => {
  const context = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
  const attributes = { "http.request.method": "GET", "url.path": request.url };
  const span = tracer.startSpan("GET /", { kind: SpanKind.SERVER, attributes }, context);
  const id = span.spanContext().traceId;
  const hops = [{ service: name, trace_id: `1-${id.slice(0, 8)}-${id.slice(8)}` }];
  for (const url of following) hops.push(...(await call(url, trace.setSpan(context, span))));
  span.setAttribute("http.response.status_code", 200);
  span.end();
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(hops));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`${name} started successfully on port ${server.address().port}.`);
});
