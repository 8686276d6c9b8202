// Forms for files: drag and drop, progress, and what the server says. Without it they work as forms.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const send = form.querySelector("button:not([data-cancel])");
  const cancel = form.querySelector("[data-cancel]");
  const progress = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  let running = null;

  const say = (text) => {
    if (status.textContent !== text) {
      status.textContent = text;
    }
  };

  const finish = (text) => {
    running = null;
    send.disabled = false;
    cancel.hidden = true;
    progress.hidden = true;
    say(text);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running !== null) {
      return;
    }
    const request = new XMLHttpRequest();
    running = request;
    send.disabled = true;
    cancel.hidden = false;
    progress.hidden = false;
    progress.value = 0;
    say("Sending");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = (100 * loaded) / total;
      say(`${Math.floor((10 * loaded) / total) * 10} % sent`); // in steps, for screen readers
    });
    request.addEventListener("load", () => {
      if (request.status >= 300) {
        finish(`Refused: ${reason(request)}`);
        return;
      }
      const found = JSON.parse(request.responseText);
      finish(found.length === 1 ? "One file has arrived." : `${found.length} files have arrived.`);
      form.reset();
      if (form.dataset.then) {
        location.assign(form.dataset.then);
      } else {
        show(found);
      }
    });
    request.addEventListener("error", () => finish("The connection broke off."));
    request.addEventListener("abort", () => finish("Cancelled."));
    request.open("POST", form.action);
    request.setRequestHeader("accept", "application/json");
    request.send(new FormData(form));
  });

  cancel.addEventListener("click", () => {
    if (running !== null) {
      running.abort();
    }
    send.focus();
  });

  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) {
      event.preventDefault();
      form.classList.add("over");
    }
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (event.dataTransfer.files.length && running === null) {
      event.preventDefault();
      input.files = event.dataTransfer.files;
      form.requestSubmit();
    }
  });
}

function reason(request) {
  try {
    const problem = JSON.parse(request.responseText);
    return problem.detail || problem.title;
  } catch {
    return `status ${request.status}`;
  }
}

function show(found) {
  const table = document.getElementById("received");
  const lines = found.map((part) => {
    const line = document.createElement("tr");
    const digest = document.createElement("code");
    digest.textContent = part.sha256;
    for (const content of [part.filename || part.name, sizeText(part.size), digest]) {
      line.append(document.createElement("td"));
      line.lastChild.append(content);
    }
    return line;
  });
  table.querySelector("tbody").replaceChildren(...lines);
  table.hidden = false;
}

function sizeText(size) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (size >= 1024) {
    size /= 1024;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))} ${units[unit]}`;
}
