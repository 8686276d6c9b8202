"""A class as a view: one method for each HTTP method, 405 and OPTIONS by themselves.

portico run examples.class_view:app

curl -i http://127.0.0.1:8000/counter
curl -i -X POST http://127.0.0.1:8000/counter
curl -i -X PATCH http://127.0.0.1:8000/counter     # 405, with Allow
"""

from __future__ import annotations

from portico import App, HTTPView, Request

app = App()


@app.route("/counter")
class Counter(HTTPView):
    value = 0

    async def get(self, request: Request) -> int:
        return Counter.value

    async def post(self, request: Request) -> tuple[int, int]:
        Counter.value += 1
        return 201, Counter.value

    async def delete(self, request: Request) -> tuple[int, None]:
        Counter.value = 0
        return 204, None
