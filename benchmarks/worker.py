"""One peer in a process of its own; takes commands as JSON lines: check, time.

Every request has a scope of its own with fresh str and bytes objects, made before the clock starts,
as a server would hand it over. The clock covers ``await app(scope, receive, send)`` for a batch in
one task, and what the batch left to the loop.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
import traceback

import uvloop
from scenarios import BROWSER, SCENARIOS, Reply, Request, require


def http_scope(request: Request) -> dict:
    headers = BROWSER | request.headers
    headers["cookie"] = headers["cookie"].format(session=request.session)
    raw_path = request.path.encode()
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 54321),
        "scheme": "http",
        "root_path": "",
        "method": request.method.encode().decode(),  # a new object, hashed by nobody yet
        "path": raw_path.decode(),
        "raw_path": raw_path,
        "query_string": request.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }


def channel(loop: asyncio.AbstractEventLoop, body: bytes, messages: list | None = None) -> tuple:
    """A client that stays until it has the whole response, then leaves."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    done, waiter = False, None

    async def receive():
        nonlocal waiter
        if waiting:
            return waiting.pop()
        if not done:
            waiter = loop.create_future()
            await waiter
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal done
        if message["type"] == "http.response.body" and not message.get("more_body"):
            done = True
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        if messages is not None:
            messages.append(message)

    return receive, send


class Worker:
    def __init__(self, peer: str) -> None:
        self.adapter = importlib.import_module(f"adapters.{peer}")
        self.loop = uvloop.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.apps, self.lifespans, self.turn = {}, [], 3

    async def start(self, app) -> None:
        """Run the lifespan up to its start, as a server does."""
        started, messages = self.loop.create_future(), [{"type": "lifespan.startup"}]

        async def receive():
            return messages.pop() if messages else await self.loop.create_future()

        async def send(message):
            started.set_result(message)

        async def run():
            scope = {
                "type": "lifespan",
                "asgi": {"version": "3.0", "spec_version": "2.0"},
                "state": {},
            }
            await app(scope, receive, send)

        task = self.loop.create_task(run())
        self.lifespans.append(task)
        await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.exception()  # no lifespan: fine
        else:
            require(started.result()["type"] == "lifespan.startup.complete", started.result())

    async def exchange(self, app, request: Request) -> Reply:
        messages = []
        calls = channel(self.loop, request.body, messages)
        await asyncio.wait_for(app(http_scope(request), *calls), 20)
        start, *bodies = messages
        require(start["type"] == "http.response.start", start)
        ends = [not message.get("more_body") for message in bodies]
        require(ends == [False] * (len(bodies) - 1) + [True], "the response has no end, or two")
        body = b"".join(message.get("body", b"") for message in bodies)
        return Reply(start["status"], list(start["headers"]), body)

    def check(self, name: str) -> dict:
        app = self.adapter.make(name)
        if app is None:
            return {"none": True}
        self.apps[name] = app
        self.loop.run_until_complete(self.start(app))
        scenario = SCENARIOS[name]
        for turn in range(3):
            reply = self.loop.run_until_complete(self.exchange(app, scenario.request(turn)))
            scenario.check(reply, turn)
        gc.collect()
        gc.freeze()  # or each later collection would walk the peer's modules
        return {"ok": True}

    async def batch(self, app, calls: list) -> None:
        for scope, receive, send in calls:
            await app(scope, receive, send)
        for _ in range(3):
            await asyncio.sleep(0)  # what was left to the loop is on the clock

    def calls(self, name: str, count: int) -> list:
        made = []
        for _ in range(count):
            self.turn += 1
            request = SCENARIOS[name].request(self.turn)
            made.append((http_scope(request), *channel(self.loop, request.body)))
        return made

    def time(self, name: str, count: int) -> dict:
        app = self.apps[name]
        self.loop.run_until_complete(self.batch(app, self.calls(name, 1)))
        calls = self.calls(name, count)
        gc.collect()
        started = time.perf_counter_ns()
        self.loop.run_until_complete(self.batch(app, calls))
        return {"ns": (time.perf_counter_ns() - started) / count}


def main() -> None:
    out = os.fdopen(os.dup(1), "w")  # replies go here; what a peer prints goes to stderr
    os.dup2(2, 1)
    try:
        worker = Worker(sys.argv[1])
    except ImportError as missing:
        print(json.dumps({"missing": str(missing)}), file=out, flush=True)
        return
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        try:
            reply = getattr(worker, verb)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a peer does, the others go on
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=out, flush=True)
    out.flush()
    os._exit(0)  # the lifespans are still waiting


if __name__ == "__main__":
    main()
