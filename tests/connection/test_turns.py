"""Turns: in the order of the calls, whoever is cancelled."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from portico.connection._turns import Turns

pytestmark = pytest.mark.anyio


async def take(turns: Turns, name: str, seen: list[str]) -> None:
    if turns.is_taken:
        await turns.wait()
    turns.is_taken = True
    try:
        seen.append(name)
        await anyio.lowlevel.checkpoint()
    finally:
        turns.end()


async def test_in_order() -> None:
    turns, seen = Turns(), list[str]()
    turns.is_taken = True
    async with anyio.create_task_group() as group:
        for name in "abc":
            group.start_soon(take, turns, name, seen)
            await anyio.wait_all_tasks_blocked()
        turns.end()
        group.start_soon(take, turns, "late", seen)
    assert seen == ["a", "b", "c", "late"]
    assert not turns.is_taken


@pytest.mark.parametrize("has_turn", [False, True], ids=["while waiting", "when it is its turn"])
async def test_who_is_cancelled_leaves_the_line(has_turn: bool) -> None:
    turns, seen = Turns(), list[str]()
    turns.is_taken = True
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def first() -> None:
            with scope:
                await take(turns, "first", seen)

        group.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(take, turns, "second", seen)
        await anyio.wait_all_tasks_blocked()
        if has_turn:
            scope.cancel()
            turns.end()
        else:
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            turns.end()
    assert seen[-1] == "second"
    assert not turns.is_taken
