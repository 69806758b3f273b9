// OpenTelemetry's remote sampler for X-Ray under a load.

const { randomBytes } = require("node:crypto");

const { ROOT_CONTEXT, SpanKind } = require("@opentelemetry/api");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { AWSXRayRemoteSampler } = require("@opentelemetry/sampler-aws-xray");
const { SamplingDecision } = require("@opentelemetry/sdk-trace-base");

require("./load.js").run((endpoint) => {
  const sampler = new AWSXRayRemoteSampler({ resource: resourceFromAttributes({ "service.name": "shop" }), endpoint });
  return ({ method, path, host }) => {
    const attributes = { "http.request.method": method, "url.path": path, "server.address": host };
    const traceId = randomBytes(16).toString("hex");
    const result = sampler.shouldSample(ROOT_CONTEXT, traceId, method, SpanKind.SERVER, attributes, []);
    return result.decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
});
