"""What a path leads to; ``test_router`` has the behaviour of mounts as a whole."""

from __future__ import annotations

import pytest

from portico import App, Misuse, Mount, Request, Route, Router
from portico.routing._target import not_made
from tests.drive import call


async def where(request: Request) -> list[str]:
    return [request.root_path, request.path, request.raw_path.decode()]


@pytest.mark.anyio
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["in path", "not in path"])
async def test_a_mount_moves_whole_segments(is_prefixed: bool) -> None:
    app = App([Mount("/{a}", Router([Mount("/b", Router([Route("/{c}", where)]))]))])
    raw = b"/root" * is_prefixed + b"/x%2Fy/b/c%20d"
    path = "/root" * is_prefixed + "/x/y/b/c d"
    reply = await call(app, path=path, raw_path=raw, root_path="/root")
    root_path, *_ = reply.json()
    assert root_path == "/root/x/y/b"


@pytest.mark.anyio
async def test_a_target_that_is_not_made() -> None:
    with pytest.raises(Misuse, match="changed while it served"):
        await not_made({}, None, None)  # type: ignore[arg-type]
