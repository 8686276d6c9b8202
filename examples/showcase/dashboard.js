// The samples of an event stream, as numbers and lines. The browser reconnects by itself, and tells
// the server the id of the last sample that it has.
"use strict";

const meters = document.getElementById("meters");
const state = document.getElementById("state");
const most = Number(meters.dataset.samples);
const kept = [];

const shown = {
  requests: (sample) => sample.requests.toFixed(1),
  memory: (sample) => `${(sample.memory / 1048576).toFixed(1)} MiB`,
  process: (sample) => sample.process,
  id: (sample) => sample.id,
};

function say(text) {
  if (state.textContent !== text) {
    state.textContent = text;
  }
}

function take(sample) {
  const last = kept.at(-1);
  if (last === undefined) {
    say("Live");
  } else if (sample.process !== last.process) {
    say(`Live again, from a new process, after ${sample.id - last.id} seconds`);
  } else if (state.dataset.lost) {
    say("Live again");
  }
  delete state.dataset.lost;
  kept.push(sample);
  if (kept.length > most) {
    kept.shift();
  }
  for (const [name, format] of Object.entries(shown)) {
    document.querySelector(`[data-value=${name}]`).textContent = format(sample);
  }
  for (const name of ["requests", "memory"]) {
    draw(meters.querySelector(`[data-value=${name}]`).nextElementSibling, name);
  }
}

// A second is as wide as it is long: where no samples are, the line goes straight on.
function draw(chart, name) {
  const top = Math.max(...kept.map((sample) => sample[name]), 1);
  const end = kept.at(-1).id;
  const points = kept
    .map((sample) => [300 - ((end - sample.id) * 300) / (most - 1), 58 - (56 * sample[name]) / top])
    .filter(([x]) => x >= 0)
    .map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`);
  chart.firstElementChild.setAttribute("points", points.join(" "));
}

const source = new EventSource(meters.dataset.events);
source.addEventListener("message", (event) => take(JSON.parse(event.data)));
source.addEventListener("error", () => {
  state.dataset.lost = "yes";
  say(
    source.readyState === EventSource.CLOSED
      ? "The server refused; reload the page to try again"
      : "The connection is lost; trying again",
  );
});

const traffic = document.getElementById("traffic");
traffic.addEventListener("click", async () => {
  traffic.disabled = true;
  for (let number = 0; number < 100; number += 1) {
    await fetch(traffic.dataset.path, { cache: "no-store" }).catch(() => {});
  }
  traffic.disabled = false;
});
