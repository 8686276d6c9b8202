"""Hello, world: an App, two routes, and values that become responses.

portico run examples.hello:app

curl -i http://127.0.0.1:8000/
curl -i http://127.0.0.1:8000/users/1
curl -i http://127.0.0.1:8000/users/2          # 404, a problem document
curl -i http://127.0.0.1:8000/users/me         # 404: not an int
"""

from __future__ import annotations

from portico import App, HTTPException, Request

app = App()

USERS = {1: "Ada"}


@app.get("/")
async def home(request: Request) -> str:
    return "Hello, world!"


@app.get("/users/{user_id:int}", name="user")
async def show(request: Request, user_id: int) -> dict[str, object]:
    if user_id not in USERS:
        raise HTTPException(404, "no such user")
    link = request.url_for("user", user_id=user_id)
    return {"id": user_id, "name": USERS[user_id], "self": str(link)}
