"""One publisher, many subscribers, one of which stalls: the hub against a list awaited in turn.

.venv/bin/python benchmarks/hub.py [subscribers]

The list is what one writes without a hub: ``for socket in sockets: await socket.send_text(...)``.
A socket here takes a message after one turn of the event loop; the stalled one takes 50 ms. A round
ends when every socket but the stalled one has all messages. Also: two processes over Redis.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time

from portico import Hub
from portico.channels.redis import RedisBackend

STALL_S = 0.05
MESSAGES = 20
TEXT = "x" * 100


class Socket:
    def __init__(self, *, stalls: bool) -> None:
        self.stalls = stalls
        self.got = 0

    async def send_text(self, text: str) -> None:
        await asyncio.sleep(STALL_S if self.stalls else 0)
        self.got += 1


def make_sockets(number: int, *, stalls: bool) -> list[Socket]:
    return [Socket(stalls=stalls and index == number // 2) for index in range(number)]


async def one_after_the_other(sockets: list[Socket]) -> float:
    started = time.perf_counter()
    for _ in range(MESSAGES):
        for socket in sockets:
            await socket.send_text(TEXT)
    return time.perf_counter() - started


async def by_hub(sockets: list[Socket]) -> float:
    hub, ready, done = Hub(queue_size=MESSAGES), asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def serve(socket: Socket) -> None:
        async with hub.subscribe("a") as subscription:
            ready.release()
            async for message in subscription:
                await socket.send_text(message.data)
                if socket.got == MESSAGES:
                    done.release()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(serve(socket)) for socket in sockets]
        for _ in sockets:
            await ready.acquire()
        started = time.perf_counter()
        for _ in range(MESSAGES):
            await hub.publish("a", TEXT)
        for socket in sockets:
            if not socket.stalls:
                await done.acquire()
        took = time.perf_counter() - started
        for task in tasks:
            task.cancel()
    return took


def compare(number: int) -> None:
    for stalls in (False, True):
        rounds = [
            [
                asyncio.run(way(make_sockets(number, stalls=stalls)))
                for way in (one_after_the_other, by_hub)
            ]
            for _ in range(5)
        ]
        in_turn, hub = (min(column) for column in zip(*rounds, strict=True))
        print(
            f"{number} sockets, {'one stalls' if stalls else 'none stalls'}: "
            f"in turn {MESSAGES / in_turn:.0f} messages/s, hub {MESSAGES / hub:.0f}: "
            f"{in_turn / hub:.1f} times"
        )


LISTENER = """
import asyncio, sys
from portico import Hub
from portico.channels.redis import RedisBackend

async def main(url, number):
    async with Hub(RedisBackend(url), queue_size=number) as hub:
        async with hub.subscribe("a") as subscription:
            print("ready", flush=True)
            got = [(await anext(subscription)).data for _ in range(number)]
    print(got == [str(each) for each in range(number)], flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def over_redis(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"unix://{folder}/redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", url[7:], "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as redis:
            time.sleep(0.5)
            listen = [sys.executable, "-c", LISTENER, url, str(number)]
            with subprocess.Popen(listen, stdout=subprocess.PIPE) as listener:
                listener.stdout.readline()
                started = time.perf_counter()
                asyncio.run(publish(url, number))
                whole = listener.stdout.readline().strip().decode()
                took = time.perf_counter() - started
            redis.terminate()
    print(f"over Redis: {number / took:.0f} messages/s, one after the other; all: {whole}")


async def publish(url: str, number: int) -> None:
    async with Hub(RedisBackend(url)) as hub:
        for each in range(number):
            await hub.publish("a", str(each))


if __name__ == "__main__":
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    if shutil.which("redis-server"):
        over_redis(5000)
