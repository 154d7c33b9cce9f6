"""Methods that an address does not take, at each address that there is."""

import re

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.factories import Api

PAGES = ("/s/", "/i/", "/p/")
"""What people open: these say it on a page, and what they take stands below."""
TAKEN_BY_PAGES = {"GET", "HEAD", "POST"}
METHODS = ("HEAD", "OPTIONS", "PATCH", "TRACE", "BREW")


def addresses(app: FastAPI) -> dict[str, set[str]]:
    """What each address takes, by a path that is one of its."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        if route.path is not None:
            found.setdefault(re.sub(r"\{[^}]+\}", "1", route.path), set()).update(
                route.methods or TAKEN_BY_PAGES
            )
    # A unit's code may be `import`, which is not told from the address of that name.
    found["/v1/units/import"] |= found["/v1/units/1"]
    return found


async def test_each_address_refuses_a_wrong_method_and_tells_the_right_ones(
    api: Api, app: FastAPI
) -> None:
    found = addresses(app)
    assert len(found) > len(app.openapi()["paths"])
    for url, taken in found.items():
        for method in METHODS:
            reply = await api.request(method, url)
            if method in taken:
                assert method == "HEAD", url
                continue
            assert reply.status_code == 405, (method, url)
            assert reply.headers["Allow"] == ", ".join(sorted(taken)), (method, url)
            kind = "text/html" if url.startswith(PAGES) else "application/problem+json"
            assert reply.headers["Content-Type"].startswith(kind), (method, url)
            assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_where_head_is_taken_it_says_what_get_says(api: Api, app: FastAPI) -> None:
    taken = [url for url, methods in addresses(app).items() if "HEAD" in methods]
    assert {"/healthz", "/readyz", "/s/1", "/results/1", "/openapi.json"} <= set(taken)
    for url in taken:
        got, head = await api.request("GET", url), await api.request("HEAD", url)
        assert (head.status_code, head.content) == (got.status_code, b""), url
        assert head.headers.get("Content-Type") == got.headers.get("Content-Type")
