"""The showcase: a small application for the browser, made of nothing but Portico.

Run it from the root of the repository, and open http://127.0.0.1:8000::

    portico run examples.showcase:app             (add --debug for the debug page on /crash)

Where to look: ``app`` joins the parts, ``pages`` makes HTML, ``accounts`` signs in and out,
``notes`` is one resource as HTML and as JSON, ``uploads`` takes files of any size, ``shelf`` keeps
small ones, ``dashboard`` streams events, ``chat`` is a room over websockets, ``mirror`` shows a
request, ``failures`` errors.
"""

from __future__ import annotations

from examples.showcase.app import app

__all__ = ("app",)
