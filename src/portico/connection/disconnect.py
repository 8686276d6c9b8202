"""The end of a connection, heard while something is under way for it.

A server tells it twice: ``receive`` gives ``http.disconnect``, ``send`` raises ``OSError``. Neither
comes first for certain, and some servers have only the one. ``send`` is heard by who sends; this is
for ``receive``, by way of the shared ``Body``, so that no piece of the body is lost.
"""

from __future__ import annotations

from typing import cast

from portico.asgi import Receive, Scope
from portico.connection.body import BODY, LIMIT, MAX_BODY_BYTES, Body
from portico.connection.options import IDLE_TIMEOUT, TIMEOUT
from portico.connection.receiving import limit_time

__all__ = ("hear_disconnect", "shared_body")


def shared_body(scope: Scope, receive: Receive) -> Body:
    """Give the body that all who look at this scope share."""
    body: Body | None = scope.get(BODY)
    if body is None or not body.serves(receive):
        body = scope[BODY] = Body(receive)
        limit_time(body, scope.get(IDLE_TIMEOUT), scope.get(TIMEOUT))
    return body


async def hear_disconnect(scope: Scope, receive: Receive) -> bool:
    """Wait until the client has left, and give true; false if that cannot be heard.

    It cannot if ``receive`` fails: what it raises is for the next reader of the body to hear.
    """
    limit = cast("int | None", scope.get(LIMIT, MAX_BODY_BYTES))
    try:
        await shared_body(scope, receive).hear_disconnect(limit)
    except OSError:
        return True
    except Exception:  # noqa: BLE001  also limits that middleware puts on the body
        return False
    return True
