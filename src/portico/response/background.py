"""Work after the last byte of a response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final, ParamSpec, TypeAlias, cast

from portico import _tasks

__all__ = ("Background", "BackgroundTask", "check_background", "run_background")

P = ParamSpec("P")

Background: TypeAlias = Callable[[], object]
"""What ``background=`` takes: a function without arguments, or a ``BackgroundTask``."""

_log: Final = logging.getLogger("portico.background")


class BackgroundTask:
    """A function and its arguments, called once the response has left.

    A function that is not ``async`` runs in a thread; a coroutine that it gives back is awaited.

    Raises ``TypeError`` for what is no function, such as a coroutine.

    >>> BackgroundTask(print, "sent", end="!")
    BackgroundTask(print)
    """

    def __init__(self, func: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not callable(func):
            raise TypeError(_no_function(func))
        self.func: Callable[..., object] = func
        self.args: tuple[object, ...] = args
        self.kwargs: dict[str, object] = kwargs

    async def __call__(self) -> None:
        """Do the work; raises what the function raises."""
        await _tasks.call(partial(self.func, *self.args, **self.kwargs))

    def __repr__(self) -> str:
        func = self.func
        while isinstance(func, partial):  # its repr would show the arguments
            func = func.func
        return f"BackgroundTask({getattr(func, '__qualname__', type(func).__qualname__)})"


def check_background(
    background: Background | Sequence[Background],
) -> Background | Sequence[Background]:
    """Give ``background`` as it is; raises ``TypeError`` for what is no function, nor several."""
    given: object = background
    several = cast("Sequence[object]", given) if isinstance(given, Sequence) else (given,)
    for work in several:
        if not callable(work):
            raise TypeError(_no_function(work))
    return background


async def run_background(background: Background | Sequence[Background]) -> None:
    """Run one piece of work after the other; what fails is logged and stops none of the rest.

    The log (``portico.background``) names the function, never its arguments. Raises ``TypeError``,
    with nothing run, if something is no function.
    """
    several = (background,) if callable(background) else background
    if not isinstance(several, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(_no_function(background))
    tasks = [work if isinstance(work, BackgroundTask) else BackgroundTask(work) for work in several]
    for task in tasks:
        try:
            await task()
        except Exception:  # noqa: BLE001  the client has its answer; nobody else would hear of this
            _log.exception("background work failed: %r", task)


def _no_function(work: object) -> str:
    if isinstance(work, Coroutine):
        work.close()  # what nobody awaits would warn
        return "background work is a function, not a coroutine: BackgroundTask(func, *args)"
    return f"background work is a function, not {type(work).__name__}"
