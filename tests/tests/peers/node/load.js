// Asks a sampler at a steady rate and counts, second by second, what it samples. Input and output are those of load.py.

const { setTimeout: sleep } = require("node:timers/promises");

// The sampler fetches its rules meanwhile.
const HEAD_START_MILLIS = 2000;

/** Runs the load against `sampler(endpoint)`, a function that says whether a request is sampled. */
exports.run = async (sampler) => {
  const { endpoint, seconds, per_second: perSecond, requests } = JSON.parse(require("node:fs").readFileSync(0));
  const isSampled = sampler(endpoint);
  isSampled({ method: "GET", path: "/first", host: "first" });
  await sleep(HEAD_START_MILLIS);

  const counts = {};
  for (const { name } of requests) counts[name] = Array.from({ length: seconds }, () => [0, 0]);
  const start = performance.now();
  for (let tick = 0; tick < seconds * perSecond; tick += 1) {
    await sleep(Math.max(0, start + (tick / perSecond) * 1000 - performance.now()));
    const second = Math.min(Math.floor((performance.now() - start) / 1000), seconds - 1);
    for (const request of requests) {
      const count = counts[request.name][second];
      count[0] += 1;
      if (isSampled(request)) count[1] += 1;
    }
  }
  // Pollers would keep the process alive.
  process.stdout.write(JSON.stringify(counts), () => process.exit());
};
