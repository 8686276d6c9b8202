"""A JSON API: typed bodies, problems for what does not fit, MessagePack for who asks for it.

portico run examples.json_api:app

curl -i http://127.0.0.1:8000/items --json '{"name": "pen", "price": 2}'
curl -i http://127.0.0.1:8000/items/1
curl -i http://127.0.0.1:8000/items --json '{"name": "pen"}'
curl -i http://127.0.0.1:8000/items -H 'accept: application/vnd.msgpack'
"""

from __future__ import annotations

from itertools import count
from typing import Annotated

import msgspec

from portico import App, HTTPException, JSONResponse, MsgPackResponse, Request, Response


class NewItem(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends. What does not fit is answered with 422 and the path of the field."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    price: Annotated[int, msgspec.Meta(ge=0)]


class Item(NewItem):
    """What we keep, and answer with."""

    id: int


app = App()
_ids = count(1)
_items: dict[int, Item] = {}


def _find(item_id: int) -> Item:
    try:
        return _items[item_id]
    except KeyError:
        raise HTTPException.not_found("no such item") from None


def _refuse_same_name(new: NewItem, *, but: int | None = None) -> None:
    if any(item.name == new.name and item.id != but for item in _items.values()):
        raise HTTPException.conflict("there is an item of that name")


@app.get("/items")
async def list_items(request: Request) -> Response:
    items = list(_items.values())
    best = request.accept.best_match(["application/json", "application/vnd.msgpack"])
    kind = MsgPackResponse if best == "application/vnd.msgpack" else JSONResponse
    return kind(items, headers={"vary": "accept"})


@app.post("/items")
async def create(request: Request) -> tuple[int, Item, dict[str, str]]:
    new = await request.json(NewItem)
    _refuse_same_name(new)
    item = Item(id=next(_ids), name=new.name, price=new.price)
    _items[item.id] = item
    return 201, item, {"location": request.url_for("item", item_id=item.id).raw_path}


@app.get("/items/{item_id:int}", name="item")
async def show(request: Request, item_id: int) -> Item:
    return _find(item_id)


@app.put("/items/{item_id:int}")
async def replace(request: Request, item_id: int) -> Item:
    _find(item_id)
    new = await request.json(NewItem)
    _refuse_same_name(new, but=item_id)
    _items[item_id] = item = Item(id=item_id, name=new.name, price=new.price)
    return item


@app.delete("/items/{item_id:int}")
async def delete(request: Request, item_id: int) -> tuple[int, None]:
    _find(item_id)
    del _items[item_id]
    return 204, None
