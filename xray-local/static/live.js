// Keeps the page up to date: asks every two seconds whether something has changed, fetches the page again
// if so, and exchanges the parts marked data-live. What is unfolded stays unfolded. A page with a part marked
// data-always tells of times that pass, and is fetched each time.
"use strict";

const INTERVAL_MS = 2000;

let version = document.body.dataset.version;

function exchange(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const replacement = fresh.getElementById(part.id);
    if (!replacement || part.dataset.html === replacement.innerHTML) continue;
    // A trace that has gone stays on the page of whoever reads it.
    if ("waiting" in replacement.dataset && !("waiting" in part.dataset)) continue;
    const html = replacement.innerHTML;
    const unfolded = new Map([...part.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
    const focused = document.activeElement?.closest("details[id]")?.id;
    part.replaceWith(replacement);
    replacement.dataset.html = html;
    for (const each of replacement.querySelectorAll("details[id]")) {
      if (unfolded.has(each.id)) each.open = unfolded.get(each.id);
    }
    if (focused) document.getElementById(focused)?.querySelector("summary").focus();
    if ("waiting" in part.dataset) document.title = fresh.title;
  }
}

async function look() {
  if (document.hidden) return;
  const stats = await (await fetch("/api/stats")).json();
  if (String(stats.version) === version && !document.querySelector("[data-always]")) return;
  const page = await fetch(location.href);
  exchange(new DOMParser().parseFromString(await page.text(), "text/html"));
  version = String(stats.version);
}

async function keepLooking() {
  // A server that has gone may come back; the page stays as it is meanwhile.
  await look().catch(() => {});
  setTimeout(keepLooking, INTERVAL_MS);
}

// An address that ends in #row-7 points at a row: unfold it.
function unfoldTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

addEventListener("hashchange", unfoldTarget);
unfoldTarget();
setTimeout(keepLooking, INTERVAL_MS);
