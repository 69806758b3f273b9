// The sampler of the X-Ray SDK for Node.js under a load.

const xray = require("aws-xray-sdk-core");

require("./load.js").run((endpoint) => {
  xray.setDaemonAddress(new URL(endpoint).host);
  const { sampler } = xray.middleware;
  return ({ method, path, host }) =>
    sampler.shouldSample({ httpMethod: method, urlPath: path, host, serviceName: "shop" });
});
