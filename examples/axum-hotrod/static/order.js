// Orders in place: a line for each, the latest on top.
"use strict";

const form = document.getElementById("order");
const orders = document.getElementById("orders");
const line = document.getElementById("line");

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function traceOf(answer) {
  if (!answer.trace_url) return element("code", "trace", answer.trace_id);
  const link = element("a", "trace", "See the trace");
  link.href = answer.trace_url;
  link.target = "_blank";
  return link;
}

function show(row, answer, milliseconds) {
  const what = row.querySelector(".what");
  row.classList.remove("waiting");
  row.classList.toggle("refused", "error" in answer);
  if ("error" in answer) {
    what.textContent = `Nobody comes: ${answer.error}.`;
  } else {
    what.replaceChildren(element("b", "driver", answer.driver), " comes to ", element("b", "customer", answer.customer));
    row.querySelector(".eta").textContent = `in ${answer.eta_minutes} min`;
  }
  row.querySelector(".latency").textContent = `answered in ${Math.round(milliseconds)} ms`;
  if (answer.trace_id) row.append(traceOf(answer));
}

async function order(customer, name) {
  const row = line.content.firstElementChild.cloneNode(true);
  row.querySelector(".what").textContent = `Looking for a driver for ${name} …`;
  orders.prepend(row);
  document.querySelector(".empty").hidden = true;
  const start = performance.now();
  let answer;
  try {
    const response = await fetch(`/dispatch?customer=${encodeURIComponent(customer)}`, { headers: { accept: "application/json" } });
    answer = await response.json();
  } catch {
    answer = { error: "the frontend does not answer; is HotROD still running?" };
  }
  show(row, answer, performance.now() - start);
}

form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button) return;
  event.preventDefault();
  order(button.value, button.querySelector(".name").textContent);
});
