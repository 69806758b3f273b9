// One hop of a chain: a server with the X-Ray SDK, which calls the next hop through Node"s patched http module.
//
// Arguments: the service"s name, the daemon"s address, and the URL of the next hop, if there is one. It answers with what each
// hop from here on knows of the trace.

const http = require("http");
const xray = require("aws-xray-sdk-core");

const [name, daemon, ...following] = process.argv.slice(2);
xray.setDaemonAddress(daemon);
xray.middleware.setDefaultName(name);
xray.middleware.disableCentralizedSampling();
xray.middleware.setSamplingRules({ version: 2, default: { fixed_target: 1, rate: 1 }, rules: [] });
xray.captureHTTPsGlobal(http);

function call(url) {
  return new Promise((resolve, reject) => {
    http
      .get(url, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve(JSON.parse(text)));
      })
      .on("error", reject);
  });
}

const server = http.createServer((request, response) => {
  const segment = xray.middleware.traceRequestResponseCycle(request, response);
  const namespace = xray.getNamespace();
  namespace.bindEmitter(request);
  namespace.bindEmitter(response);
  namespace.run(async () => {
    xray.setSegment(segment);
    const hops = [{ service: name, trace_id: segment.trace_id }];
    for (const url of following) hops.push(...(await call(url)));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(hops));
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`${name} started successfully on port ${server.address().port}.`);
});
