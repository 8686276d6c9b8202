"""What the server knows of a request: the page that one opens when something is odd."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from examples.showcase.pages import page, rows
from portico import Request, Response, Router

__all__ = ("router",)

SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}
LANGUAGES = ("en", "de", "fr", "es", "ja")
TYPES = ("text/html", "application/json", "text/plain")
CODINGS = ("zstd", "br", "gzip", "identity")

router = Router()


@router.get("/request", name="mirror")
async def mirror(request: Request) -> Response:
    body = f"""<h1>Your request</h1>
<p>All that reached the application. Values of cookies and credentials are not shown.</p>
{rows("The request line", _line(request))}
{rows("Negotiation", _negotiation(request))}
{rows("Query", request.query_params.items()) if request.query_params else _hint(request)}
{rows("Headers, in the order they came", _headers(request))}
{rows("Cookies", _cookies(request)) if request.cookies else ""}
{rows("The server", _server(request))}"""
    return page(request, "Your request", body)


def _line(request: Request) -> Iterator[tuple[str, str]]:
    yield "Method", request.method
    yield "URL", str(request.url)
    yield "Path", request.path
    yield "Raw path", request.raw_path.decode("latin-1")
    yield "HTTP version", request.http_version
    yield "Client", _end(request.client)
    yield "Server", _end(request.server)
    yield "Root path", request.root_path or "none"
    yield "TLS", "not told by the server" if request.tls is None else str(request.tls)


def _negotiation(request: Request) -> Iterator[tuple[str, str]]:
    ranking = ", ".join(str(media_range) for media_range in request.accepted_types)
    yield "Types, the preferred first", ranking or "none named: any will do"
    yield f"Best of {', '.join(TYPES)}", request.accept.best_match(TYPES) or "none"
    best = request.accept_language.best_match(LANGUAGES)
    yield f"Best language of {', '.join(LANGUAGES)}", best or "none"
    yield (
        f"Best coding of {', '.join(CODINGS)}",
        request.accept_encoding.best_match(CODINGS) or "none",
    )


def _headers(request: Request) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        yield name, _masked(value) if name.lower() in SECRET_HEADERS else value


def _cookies(request: Request) -> Iterator[tuple[str, str]]:
    for name, value in request.cookies.items():
        yield name, _masked(value)


def _server(request: Request) -> Iterator[tuple[str, str]]:
    asgi = request.get("asgi", {})
    yield "ASGI", f"{asgi.get('version', '?')}, messages of {asgi.get('spec_version', '2.0')}"
    yield "Extensions", ", ".join(sorted(request.get("extensions") or ())) or "none"
    yield "Scope", ", ".join(sorted(request))


def _masked(value: str) -> str:
    return f"({len(value)} characters)"


def _end(address: tuple[str, int | None] | None) -> str:
    if address is None:
        return "not told by the server"
    host, port = address
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _hint(request: Request) -> str:
    example = request.url.with_query("page=2&tag=a&tag=b")
    return f'<p>No query was sent. <a href="{escape(example.raw_path_qs)}">Try one</a>.</p>'
