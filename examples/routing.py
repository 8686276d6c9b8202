"""Routing: typed parameters, a converter of our own, mounts, hosts, and URLs from names.

portico run examples.routing:app
portico routes examples.routing:app

curl -i http://127.0.0.1:8000/files/a/b.txt       # a path takes several segments
curl -i http://127.0.0.1:8000/on/2026-02-30       # 404: there is no such day
curl -i http://127.0.0.1:8000/colors/red+green    # the converter of our own
curl -i http://127.0.0.1:8000/users/me            # a literal beats a parameter
curl -i http://127.0.0.1:8000/shop/pens/7         # in the mounted router
curl -i http://127.0.0.1:8000/shop/pens/7/        # 308: the slash is one too many
curl -i http://127.0.0.1:8000/links
curl -i http://127.0.0.1:8000/ -H 'host: api.localhost'
"""

from __future__ import annotations

from datetime import date

from portico import App, Converter, Hosts, Request, Router


class Words(Converter[list[str]]):
    """Words with a plus between them; raise ValueError for what is not to match."""

    def parse(self, text: str) -> list[str]:
        return text.split("+")

    def format(self, value: list[str]) -> str:
        return "+".join(value)


shop = Router(trailing_slash="redirect")


@shop.get("/{kind}/{number:int(min=1)}", name="item")
async def item(request: Request, kind: str, number: int) -> dict[str, object]:
    return {"kind": kind, "number": number, "mounted at": request.root_path}


site = App(converters={"words": Words})
site.mount("/shop", shop, name="shop")


@site.get("/files/{path:path}", name="file")
async def file(request: Request, path: str) -> str:
    return path


@site.get("/on/{day:date}", "/today", name="day")
async def on(request: Request, day: date = date(2026, 1, 1)) -> str:
    return day.strftime("%A")


@site.get("/colors/{names:words}", name="colors")
async def colors(request: Request, names: list[str]) -> list[str]:
    return names


@site.get("/users/{name}")
async def user(request: Request, name: str) -> str:
    return f"the user {name}"


@site.get("/users/me")
async def me(request: Request) -> str:
    return "you"


@site.get("/links")
async def links(request: Request) -> dict[str, str]:
    return {
        "file": str(request.url_for("file", path="a b/c.txt")),
        "day": site.url_path_for("day", day=date(2026, 2, 28)),
        "colors": site.url_path_for("colors", names=["red", "green"]),
        "item": str(request.url_for("shop:item", kind="pens", number=7)),
    }


api = App()


@api.get("/")
async def versions(request: Request) -> list[str]:
    return ["v1"]


app = Hosts(("api.localhost", api), default=site)
