"""Tokens, credentials, forms and multipart bodies that chance makes, over HTTP."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import strategies as st

from tests.factories import Api, link, open_campaign, tree
from tests.fuzz.requests import drawn
from tests.phone_page.conftest import hidden, six
from tests.phone_page.test_cookies import counts

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def encoded(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def tokens(good: str) -> st.SearchStrategy[str]:
    """Tokens that are nearly good, and rubbish of their form."""
    header, payload, signature = good.split(".")
    known = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = st.tuples(st.sampled_from(sorted(known)), JSON).map(
        lambda change: f"{header}.{encoded({**known, change[0]: change[1]})}.{signature}"
    )
    header_of = st.fixed_dictionaries(
        {"alg": st.sampled_from(["none", "HS256", "HS512", "RS256", "ES256"]) | JSON, "typ": JSON},
        optional={"kid": JSON, "jwk": JSON, "jku": st.text(), "crit": JSON, "zip": JSON},
    ).map(lambda one: f"{encoded(one)}.{payload}.{signature}")
    # Of the last letter some bits mean nothing.
    flipped = st.tuples(st.integers(0, len(good) - 2), st.integers(1, 63)).map(
        lambda at: (
            good[: at[0]]
            + (LETTERS[LETTERS.find(good[at[0]]) ^ at[1]] if good[at[0]] in LETTERS else "x")
            + good[at[0] + 1 :]
        )
    )
    cut = st.integers(0, len(good) - 1).map(lambda end: good[:end])
    longer = st.text("Aa0-_.=", min_size=1, max_size=3_000).map(lambda more: good + more)
    parts = st.lists(st.text(LETTERS, max_size=60), min_size=1, max_size=6).map(".".join)
    deep = st.integers(1, 1_000).map(
        lambda depth: f"{header}.{base64.urlsafe_b64encode(b'[' * depth).decode()}.{signature}"
    )
    return st.one_of(changed, header_of, flipped, cut, longer, parts, deep)


async def test_no_token_that_chance_makes_is_taken(admin: Api) -> None:
    good = str(admin.token)
    assert (await admin.get("/v1/clients")).status_code == 200
    before = await counts(admin)
    for token in drawn(tokens(good), 300, 1):
        headers = [(b"Authorization", f"Bearer {token}".encode())]
        reply = await admin.http.get("/v1/clients", headers=headers)
        assert reply.status_code == 401, token
        assert reply.json()["type"] == "/problems/unauthenticated"
    assert await counts(admin) == before


async def test_no_credentials_that_chance_makes_are_taken(unlimited: Api) -> None:
    basic = st.one_of(
        st.binary(max_size=60).map(lambda raw: b"Basic " + base64.b64encode(raw)),
        st.binary(max_size=60).map(lambda raw: b"Basic " + raw.replace(b"\n", b"")),
        st.binary(max_size=60).filter(lambda raw: b"\n" not in raw),
    )
    grant = {"grant_type": "client_credentials"}
    for url in ("/oauth/token", "/oauth/revoke"):
        for authorization in drawn(basic, 100, 2):
            headers = [(b"Authorization", authorization)]
            reply = await unlimited.http.post(url, data={**grant, "token": "x"}, headers=headers)
            assert reply.status_code == 401, authorization
            assert reply.json()["error"] == "invalid_client"


NAMES = st.sampled_from([f"q.{code}" for code in six()] + ["submission_id", "started_at", "seal"])
VALUES = st.text(max_size=40) | st.sampled_from(["satisfied", "", "\x00", "%", "9" * 400])


@pytest.fixture
async def form(admin: Api) -> tuple[Api, str, dict[str, str]]:
    """A page's address and the fields that it would send."""
    await tree(admin)
    await open_campaign(admin)
    url = f"/s/{await link(admin)}"
    return admin, url, {**hidden((await admin.get(url)).text), **six()}


async def test_any_form_is_replied_to_with_a_page(form: tuple[Api, str, dict[str, str]]) -> None:
    api, url, good = form
    fields = st.lists(st.tuples(NAMES | st.text(max_size=10), VALUES), max_size=12)
    heard = set()
    for changes in drawn(fields, 150, 3):
        pairs = [*good.items(), *changes] if len(changes) % 2 else [*changes, *good.items()]
        body = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs])
        heard.add(await _page(api, url, body.encode()))
    for rubbish in drawn(st.binary(max_size=200), 100, 4):
        heard.add(await _page(api, url, rubbish))
    for count in (4_999, 5_000, 100_000):
        heard.add(await _page(api, url, b"a&" * count))
    assert heard <= {200, 201, 400, 409, 413, 422}
    assert {201, 400} <= heard


async def _page(api: Api, url: str, body: bytes) -> int:
    reply = await api.http.post(url, content=body, headers=FORM)
    assert reply.headers["Content-Type"].startswith("text/html"), reply.status_code
    return reply.status_code


BOUNDARY = "x" * 20
PARTS = [
    b'Content-Disposition: form-data; name="file"; filename="../../../tmp/planted"\r\n\r\nx',
    b'Content-Disposition: form-data; name="client_id"; filename="a.csv"\r\n\r\nx',
    b'Content-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials',
    b"Content-Disposition: form-data\r\n\r\n",
    b'Content-Disposition: form-data; name="\xff"\r\nContent-Type: ;;;\r\n\r\n\xff',
    b"A: b\r\n" * 200 + b"\r\n",
    b"",
]


def multipart() -> st.SearchStrategy[bytes]:
    edge = b"--" + BOUNDARY.encode()
    whole = st.lists(st.sampled_from(PARTS) | st.binary(max_size=60), max_size=6).map(
        lambda parts: b"".join(edge + b"\r\n" + one + b"\r\n" for one in parts) + edge + b"--\r\n"
    )
    return whole | whole.flatmap(lambda body: st.integers(0, len(body)).map(lambda end: body[:end]))


async def test_multipart_is_refused_by_whatever_takes_none(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    code = await link(admin)
    before = await counts(admin)
    writing = [
        (method.upper(), path)
        for path, methods in admin.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
        and "multipart/form-data" not in operation["requestBody"]["content"]
    ]
    bodies = drawn(multipart(), 12, 5)
    types = [f"multipart/form-data; boundary={BOUNDARY}", "multipart/form-data", "multipart/mixed"]
    assert len(writing) > 15
    for method, path in [*writing, ("POST", "/s/{link}")]:
        names = {**dict.fromkeys(("code", "client_id", "token"), "C"), "batch": "1"}
        url = path.format(**names, link=code)
        for number, body in enumerate(bodies):
            headers = {"Content-Type": types[number % 3], "Idempotency-Key": "k"}
            reply: httpx.Response = await admin.request(method, url, content=body, headers=headers)
            assert reply.status_code in (400, 401, 404, 415, 422), (method, path, body)
    assert await counts(admin) == before
