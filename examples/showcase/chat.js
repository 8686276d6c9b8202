// One socket, made again when it is lost. What others say is text, never markup.
"use strict";

const talk = document.getElementById("talk");
const here = document.getElementById("here");
const state = document.getElementById("state");
const door = document.getElementById("door");
const form = document.getElementById("say");
const field = document.getElementById("text");
const told = { joined: "has come", left: "has gone" };

let socket = null;
let waitMs = 500;
let asking = 0;

function show(line) {
  const item = document.createElement("li");
  const who = document.createElement("bdi");
  const text = document.createElement("bdi");
  const at = document.createElement("time");
  who.textContent = line.who;
  text.textContent = line.kind === "said" ? line.text : told[line.kind];
  at.dateTime = line.at;
  at.textContent = new Date(line.at).toLocaleTimeString();
  item.className = line.kind;
  item.append(who, " ", text, " ", at);
  const isAtEnd = talk.scrollTop + talk.clientHeight >= talk.scrollHeight - 20;
  talk.append(item);
  while (talk.childElementCount > 200) {
    talk.firstElementChild.remove();
  }
  if (isAtEnd) {
    talk.scrollTop = talk.scrollHeight;
  }
}

function tell(message) {
  if (socket !== null && socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify(message));
  }
}

// Once after several came and went, and every few seconds: a process that died says no goodbye.
function count(afterMs) {
  clearTimeout(asking);
  asking = setTimeout(() => {
    tell({ type: "count" });
    count(3000);
  }, afterMs);
}

function connect(name) {
  const address = new URL(talk.dataset.socket, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    waitMs = 500;
    talk.replaceChildren(); // what was said before comes again
    state.textContent = "Connected";
    tell({ type: "join", name });
  });
  socket.addEventListener("message", ({ data }) => {
    const line = JSON.parse(data);
    if (line.kind === "here") {
      here.textContent = line.here === 1 ? "Nobody else is here." : `${line.here} are here.`;
    } else {
      show(line);
      if (line.kind !== "said") {
        count(100);
      }
    }
  });
  socket.addEventListener("close", ({ code }) => {
    here.textContent = "";
    state.textContent =
      code === 1008 ? "Not so fast; connecting again" : "The connection is lost; trying again";
    setTimeout(() => connect(name), waitMs);
    waitMs = Math.min(waitMs * 2, 10000);
  });
}

door.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("name");
  connect(name.value || name.textContent);
  door.hidden = true;
  form.hidden = false;
  field.focus();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tell({ type: "say", text: field.value });
  field.value = "";
});
