"""The page at /docs: complete, without script, and with nothing from afar."""

import base64
import hashlib
import re

from tests.factories import Api


async def test_every_operation_and_object_stands_on_the_page(api: Api) -> None:
    document = (await api.get("/openapi.json")).json()
    page = (await api.get("/docs")).text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f'id="{operation["operationId"]}"' in page, f"{method} {path}"
            assert f"<code>{path}</code>" in page
            for scope in (one for each in operation.get("security", ()) for one in each.values()):
                assert all(name in page for name in scope)
    for name in document["components"]["schemas"]:
        assert f'<article id="schema-{name}">' in page
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


async def test_the_page_runs_nothing_and_fetches_nothing(api: Api) -> None:
    reply = await api.get("/docs")
    policy = reply.headers["Content-Security-Policy"]
    [style] = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert "<script" not in reply.text
    assert not re.search(r'(src|href)="(https?:)?//', reply.text)
    assert " style=" not in reply.text
    for former in ("/redoc", "/docs/oauth2-redirect"):
        assert (await api.get(former)).status_code == 404
