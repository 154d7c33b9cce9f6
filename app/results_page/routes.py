"""URLs of the results page: the page, which is the same for everybody, and its files."""

import asyncio
from functools import cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import encodings
from app.core.problems import NotFound
from app.core.settings import Settings
from app.results_page import pages
from app.results_page.assets import files

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Encoding",
}


async def results_page(request: Request) -> Response:
    """The page of any campaign: its script asks for what its client may see."""
    settings: Settings = request.app.state.settings
    encoding = _encoding(request)
    headers = dict(_HEADERS)
    if encoding != encodings.IDENTITY:
        headers["Content-Encoding"] = encoding
    body = _page(urlsplit(settings.public_url).path, encoding)
    return Response(body, headers=headers, media_type="text/html")


@cache
def _page(root: str, encoding: str) -> bytes:
    return encodings.smallest(encoding, pages.page(root).encode())


async def static_file(request: Request) -> Response:
    """A style or script, for ever the same under its name."""
    file = files().get(request.path_params["path"])
    if file is None:
        raise NotFound("There is no such file.")
    encoding = _encoding(request)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if encoding != encodings.IDENTITY:
        headers["Content-Encoding"] = encoding
    body = await asyncio.to_thread(file.encoded, encoding)
    return Response(body, headers=headers, media_type=file.media_type)


def _encoding(request: Request) -> str:
    return encodings.chosen(request.headers.get("Accept-Encoding", ""))


RESULTS_PAGE_ROUTES = [
    Route("/results/{campaign}", results_page),
    Route("/static/results/{path:path}", static_file),
]
"""Routes that pass FastAPI by: they speak HTML, so they stand in no OpenAPI document."""
