"""What a stream is made of: taken once or many times, and closed if it was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from portico.asgi import Message
from portico.errors import Misuse
from portico.response._streaming import Sending, Source, encode_piece
from tests.drive import http_scope

pytestmark = pytest.mark.anyio


async def numbers() -> AsyncGenerator[int]:
    yield 1


def plain() -> Generator[int]:
    yield 1


class Closable:
    """An iterator that notes that it was closed."""

    def __init__(self) -> None:
        self.closed: int = 0

    def __iter__(self) -> Closable:
        return self

    def __next__(self) -> str:
        raise StopIteration

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("make", [numbers, plain, lambda: iter([1]), Closable])
async def test_an_iterator_is_taken_once(make: Any) -> None:
    iterator = make()
    source = Source(iterator)
    assert source.take() is iterator
    with pytest.raises(Misuse):
        source.take()


@pytest.mark.parametrize("content", [[1], (1,), {1}, range(1)])
async def test_others_are_taken_many_times(content: Any) -> None:
    source = Source(content)
    assert source.take() is content
    await source.drop()
    assert source.take() is content


async def test_a_function_makes_another_each_time() -> None:
    source = Source(numbers)
    await source.drop()
    assert source.take() is not source.take()


async def test_what_is_not_taken_is_closed() -> None:
    content = Closable()
    source = Source(content)
    await source.drop()
    await source.drop()
    assert content.closed == 1
    source = Source(content)
    source.take()
    await source.drop()
    assert content.closed == 1


async def test_what_needs_no_closing() -> None:
    source = Source(iter(["a"]))
    await source.drop()
    with pytest.raises(Misuse):
        source.take()


def test_where_the_loop_goes_away_it_closes_the_generators() -> None:
    """What is closed may wait for nothing, and closing a generator may want to."""
    steps: list[str] = []

    async def pieces() -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            await asyncio.sleep(0)
            steps.append("closed")

    async def never() -> Message:
        raise RuntimeError("not reached")  # pragma: no cover

    async def send(message: Message) -> None:
        if "body" in message:
            await asyncio.sleep(9)

    async def main() -> None:
        sending = Sending(http_scope(), never, send, encode_piece)
        running = sending.run({"type": "http.response.start"}, pieces())
        running.send(None)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            running.close()  # the task that listens cannot be waited for
        assert steps == []
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert steps == ["closed"]


@pytest.mark.parametrize("piece", ["\u00e4", "\u00e4".encode(), bytearray("\u00e4".encode())])
async def test_encode_piece(piece: Any) -> None:
    encoded = encode_piece(piece)
    assert (encoded, type(encoded)) == (b"\xc3\xa4", bytes)


@pytest.mark.parametrize("piece", [7, None, ["a"]])
async def test_what_is_no_piece(piece: object) -> None:
    with pytest.raises(TypeError, match="a piece of a stream"):
        encode_piece(piece)
