"""What carries messages from the process that publishes to those that listen.

``memory`` and ``redis`` implement it; ``tests/conformance/test_channels.py`` says what any other
(NATS, Postgres) must do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, TypeAlias

__all__ = ("Backend", "Deliver", "Entry")


class Entry(NamedTuple):
    """One published payload, as the backend delivers it and as its history holds it."""

    position: int
    """Grows with each entry of a channel's history; 0 for what was published without one."""

    payload: bytes


Deliver: TypeAlias = Callable[[Entry], None]
"""Takes an entry; never waits and never raises."""


class Backend(Protocol):
    """Carries payloads, each at most once, in one order per channel for all who listen.

    A backend serves one ``Hub``, which enters it (``async with backend:``) and leaves it in one
    task. Calls that wait raise ``ServiceUnavailable`` if what stands behind it does not answer.
    """

    async def __aenter__(self) -> object:
        """Connect."""
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> object:
        """Disconnect; nothing is delivered any more."""
        ...

    async def publish(self, channel: str, payload: bytes, keep: int) -> None:
        """Hand ``payload`` over; returns when the backend has it, not the subscribers.

        ``keep`` is how many entries of the channel its history holds from now on, the newest; 0
        leaves the history as it is, and the entry out of it.
        """
        ...

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        """Call ``deliver`` with each entry that is published from when this returns.

        Entries that are published earlier may come too. A channel has one ``deliver``: calling
        this again for the same channel waits until it is subscribed, and changes nothing.
        """
        ...

    def unsubscribe(self, channel: str) -> None:
        """End what ``subscribe`` began, if it did: nothing is delivered after this."""
        ...

    async def history(self, channel: str, limit: int) -> Sequence[Entry]:
        """Give the newest ``limit`` entries that are kept, the oldest first."""
        ...

    def set_presence(self, channel: str, count: int) -> None:
        """Note how many subscribers this hub has; others may see it a little later.

        If the process dies, its numbers are forgotten after a while.
        """
        ...

    async def presence(self, channel: str) -> int:
        """Give how many subscribers all hubs have together."""
        ...
