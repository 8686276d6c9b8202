"""Errors: raised anywhere, handled by class or by status, shown in what the client takes.

portico run examples.errors:app               (add --debug to see where /bug is)

curl -i http://127.0.0.1:8000/members-only    # 401 with its WWW-Authenticate field
curl -i http://127.0.0.1:8000/stock/pen       # 409 by a handler for a class of ours
curl -i http://127.0.0.1:8000/bug             # 500 without details; the log has them
curl -i http://127.0.0.1:8000/missing -H 'accept: text/html'
"""

from __future__ import annotations

from portico import App, HTTPException, PlainTextResponse, ProblemResponse, Request, Response
from portico.response.error import error_response


class OutOfStockError(Exception):
    """An error of the shop, which knows nothing of HTTP."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


app = App()


@app.get("/members-only")
async def members_only(request: Request) -> str:
    raise HTTPException.unauthorized("sign in", headers={"www-authenticate": 'Basic realm="shop"'})


@app.get("/stock/{item}")
async def stock(request: Request, item: str) -> str:
    raise OutOfStockError(item)


@app.get("/bug")
async def bug(request: Request) -> str:
    return str(1 // 0)


@app.exception_handler(OutOfStockError)
async def out_of_stock(request: Request, error: OutOfStockError) -> Response:
    return ProblemResponse(409, detail="out of stock", extensions={"item": error.item})


@app.exception_handler(404)
async def not_found(request: Request, error: HTTPException) -> Response:
    if request.accept.best_match(["application/problem+json", "text/html"]) == "text/html":
        return PlainTextResponse("Nothing here, sorry.\n", 404)
    return error_response(error, request.scope)
