"""How fast is Portico, as a ratio to hand-written ASGI? README.md tells how it measures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from scenarios import SCENARIOS

HERE = Path(__file__).parent
PEERS = sorted(
    (path.stem for path in (HERE / "adapters").glob("*.py")),
    key=lambda peer: (peer != "raw", peer != "portico", peer),
)
IMPORT_GOAL_MS = 90
TAIL = """
import resource, sys
print(len(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Worker:
    """A peer's process."""

    def __init__(self, peer: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, HERE / "worker.py", peer],
            env=os.environ | {"PYTHONHASHSEED": "0"},
            cwd=HERE,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.missing = self.answer().get("missing")

    def ask(self, *command: object) -> dict:
        with suppress(BrokenPipeError):
            print(json.dumps(command), file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the worker died", "missing": "it died"}

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def measure(peers: list[str], names: list[str], epochs: int, rounds: int, batch_ns: float) -> dict:
    """Times of each round, by scenario and peer; an epoch has fresh processes."""
    times = {name: {} for name in names}
    for epoch in range(epochs):
        workers = {peer: Worker(peer) for peer in peers}
        for peer in [peer for peer in workers if workers[peer].missing]:
            print(f"{peer}: left out ({workers[peer].missing})", file=sys.stderr)
            workers.pop(peer).close()
        for name in names:
            counts = {}
            for peer, worker in workers.items():
                if "ok" in worker.ask("check", name):
                    once = min(worker.ask("time", name, count)["ns"] for count in (1, 50))
                    counts[peer] = max(1, min(2000, round(batch_ns / once)))
            for turn in range(rounds):
                first = (epoch + turn) % len(counts)
                for peer in [*counts][first:] + [*counts][:first]:
                    took = workers[peer].ask("time", name, counts[peer])["ns"]
                    times[name].setdefault(peer, []).append(took)
        for worker in workers.values():
            worker.close()
    return times


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def report(times: dict) -> str:
    """Medians of the ratios to raw in the same round, beside the goal."""
    peers = [peer for peer in PEERS if any(peer in row for row in times.values())]
    rows = []
    for name, row in times.items():
        cells = [f"{statistics.median(row['raw']) / 1e3:.2f}"]
        for peer in peers[1:]:
            ratios = [one / raw for one, raw in zip(row.get(peer, ()), row["raw"], strict=False)]
            cells.append(f"{statistics.median(ratios):.2f}" if ratios else "-")
        goal = SCENARIOS[name].goal
        rows.append([name, *cells, f"{goal:.2f}" if goal else "-"])
    return table(["scenario", "raw, µs", *peers[1:], "goal"], rows)


def imports(peers: list[str], rounds: int = 10) -> str:
    """Time, memory and modules of a process that builds the hello app, less a bare Python's."""
    sources = {"bare": "", "import asyncio": "import asyncio"}
    for peer in peers:
        code = f"import adapters.{peer} as adapter; print(adapter.IMPORT)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE, check=False
        )
        if done.returncode == 0:
            sources[peer] = done.stdout
    seen = {peer: [] for peer in sources}
    for turn in range(rounds + 1):
        for peer, source in sources.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", source + TAIL], capture_output=True, text=True, check=True
            )
            took = (time.perf_counter() - started) * 1e3
            if turn:  # the first one compiles and fills the page cache
                seen[peer].append((took, *map(int, done.stdout.split())))
    middle = {
        peer: [statistics.median(column) for column in zip(*rows, strict=True)]
        for peer, rows in seen.items()
    }
    bare = middle.pop("bare")
    rows = [
        [peer, f"{ms - bare[0]:.0f}", f"{modules - bare[1]:.0f}", f"{(kib - bare[2]) / 1024:.1f}"]
        for peer, (ms, modules, kib) in middle.items()
    ]
    return table(["import and build the hello app", "ms", "modules", "MiB"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="peers, with commas; raw is always one of them")
    parser.add_argument("--scenarios", help="scenarios, with commas")
    parser.add_argument("--quick", action="store_true", help="one epoch of ten rounds, no imports")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20, help="rounds in an epoch")
    parser.add_argument("--batch-ms", type=float, default=6)
    options = parser.parse_args()
    if options.quick:
        options.epochs, options.rounds = 1, 10
    peers = [
        peer for peer in PEERS if not options.only or peer in {"raw", *options.only.split(",")}
    ]
    names = [
        name for name in SCENARIOS if not options.scenarios or name in options.scenarios.split(",")
    ]
    print(
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}."
        " Ratios to raw, lower is faster.\n"
    )
    print(report(measure(peers, names, options.epochs, options.rounds, options.batch_ms * 1e6)))
    if not options.quick:
        print(f"\n{imports(peers)}\n\nGoal: portico at most {IMPORT_GOAL_MS} ms.")


if __name__ == "__main__":
    main()
