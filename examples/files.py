"""Files: a directory with a cache policy, one file as a download, and pages for people.

portico run examples.files:app
"""

from __future__ import annotations

from pathlib import Path

from portico import App, FileResponse, Pages, Request
from portico.http.caching import CacheControl

HERE = Path(__file__).parent

# Whatever has no route is a page of this directory, or a 404.
app = App(default=Pages(HERE / "showcase", listing=True))

# /assets/style.css, with ranges, 304s and a hash in the URLs that url_for makes.
app.files(
    "/assets",
    HERE / "showcase",
    name="assets",
    cache_control=CacheControl(public=True, max_age=600),
    hash_content=True,
)


@app.get("/style")
async def style(request: Request) -> str:
    return str(request.url_for("assets", path="style.css"))


@app.get("/download")
async def download(request: Request) -> FileResponse:
    return FileResponse(HERE / "hello.py", filename="hello.py")
