"""Two server processes that share the chat room over Redis.

make demo-cluster, or: python -m examples.showcase.cluster [port]

The first listens on the port (8000), the second on the next one. REDIS_URL names the Redis;
without it one is started, on a socket in a directory of its own, and stopped with the rest.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

__all__ = ("main",)

PROCESSES = 2


def main(port: int) -> int:
    """Run until a signal comes or one of the processes ends; gives the exit status."""
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        url = os.environ.get("REDIS_URL") or _start_redis(stack)
        if not url:
            print("redis-server is not installed; type: sudo apt-get install redis-server")
            return 2
        servers = [
            _start(
                stack,
                [sys.executable, "-m", "portico", "run", "examples.showcase:app", "--port", each],
                REDIS_URL=url,
            )
            for each in map(str, range(port, port + PROCESSES))
        ]
        try:
            while all(server.poll() is None for server in servers):
                time.sleep(0.1)
        except KeyboardInterrupt:
            return 0
        return 1


def _start_redis(stack: ExitStack) -> str:
    program = shutil.which("redis-server")
    if program is None:
        return ""
    folder = stack.enter_context(TemporaryDirectory(prefix="portico-showcase-"))
    socket = Path(folder, "redis.sock")
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
    redis = _start(stack, [program, *options, "--loglevel", "warning"])
    while not socket.exists() and redis.poll() is None:
        time.sleep(0.05)
    return f"unix://{socket}"


def _start(stack: ExitStack, command: list[str], **settings: str) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl+C reaches us alone, and we end them in order.
    process = subprocess.Popen(  # noqa: S603 - our own words
        command, env=os.environ | settings, start_new_session=True
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _leave(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
