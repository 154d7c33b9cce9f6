"""Real things to be asked for: units, campaigns, links, receipts, clients of every kind."""

import csv
import io
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import openpyxl

from app.access.scopes import SCOPES
from tests.factories import (
    PERIOD,
    Api,
    campaign_body,
    invitations,
    link,
    open_campaign,
    submission,
    tree,
)

ZH = {"zh-CN": "问"}
QUESTIONNAIRE = {"title": ZH, "questions": [{"code": "q", "type": "text", "label": ZH}]}
UNITS_CSV = "code,name,kind,parent,period,students\nF1,一小,school,A,2026-autumn,90\n"
_SPARE = 6
"""Campaigns, links, clients that may be used up, so that others last."""

Pools = dict[str, Sequence[Any]]
Credentials = tuple[str, str]


@dataclass
class World:
    """What there is, by the names that the OpenAPI document has for it."""

    tokens: Mapping[str, str | None]
    """Access tokens by who holds them; None: a stranger's."""
    pools: Pools
    """Values of parameters and fields."""
    bodies: Mapping[str, Callable[[random.Random], Any]]
    """By operation, what makes a body that it takes."""
    used_up: Mapping[str, Pools] = field(default_factory=dict)
    """For operations after which a thing is of no use: things that nothing else needs."""

    def value(self, operation: str, name: str, chance: random.Random) -> Any:
        """A real value of a parameter; None where there is none."""
        pools = self.used_up.get(operation, {})
        pool = pools.get(name) or self.pools.get(_pool(operation, name))
        return chance.choice(pool) if pool else None


_CODED = ("units", "questionnaires", "campaigns", "interview-mappings")
"""What has a `code` that a client names it by."""


def _pool(operation: str, name: str) -> str:
    if name != "code":
        return name
    return next(one for one in _CODED if one in operation)


async def made(admin: Api) -> World:
    """Make it all through the API, by a client that may do everything everywhere."""
    await tree(admin)
    await open_campaign(admin)
    await open_campaign(admin, "of-a", region="A", identity=["device"], on_duplicate="keep_last")
    spare = [f"spare-{number}" for number in range(_SPARE)]
    for code in spare:
        await admin.made("PUT", f"/v1/campaigns/{code}", campaign_body(region="A"))
    await admin.made("PUT", "/v1/questionnaires/own", QUESTIONNAIRE)
    await admin.made("POST", "/v1/questionnaires/own/publish")
    clients = await _clients(admin)
    victims = [await _victim(admin, number) for number in range(_SPARE)]
    links = [await link(admin, unit) for unit in ("A1", "A2", "B1")]
    links += [await link(admin, unit, campaign="of-a") for unit in ("A1", "A2")]
    spare_links = [await link(admin, unit, "teacher") for unit in ("A1", "A2", "B1")]
    tokens = await invitations(admin, 40)
    receipts = [await _receipt(admin, token) for token in tokens[:8]]
    proofs = [(await admin.made("GET", f"/v1/links/{links[-1]}"))["device_proof"] for _ in tokens]
    await invitations(admin, 1)
    batches = await admin.made("GET", "/v1/campaigns/C/invitations")
    secrets = [secret for one in victims for secret in one["secrets"]]
    pools: Pools = {
        "units": ["W", "A", "B", "A1", "A2", "B1"],
        "within": ["W", "A", "A1"],
        "questionnaires": ["satisfaction-six", "own"],
        "campaigns": ["C", "of-a"] * _SPARE + spare,
        "link": links,
        "token": tokens,
        "batch": [batches["items"][-1]["batch"]],
        "client_id": [one["client_id"] for one in victims],
        "client": [one["client_id"] for one in victims],
        "secret": [one["id"] for one in secrets],
        "slug": ["busy", "not-found", "already-answered"],
        "version": [1],
        "year": [2026],
        "locale": ["zh-CN", "en"],
        "question": ["overall"],
        "population": ["parent", "teacher"],
    }
    credentials = [(one["client_id"], one["client_secret"]) for one in victims]
    return World(
        tokens={**clients, "a stranger": None},
        pools=pools,
        bodies=_bodies(receipts, credentials, proofs),
        used_up={
            "PUT /v1/campaigns/{code}": {"code": spare},
            "POST /v1/campaigns/{code}/close": {"code": spare},
            "POST /v1/campaigns/{code}/archive": {"code": spare},
            "POST /v1/links/{link}/revoke": {"link": spare_links},
            "POST /v1/links/{link}/void": {"link": spare_links},
            "POST /v1/links/{link}/restore": {"link": spare_links},
        },
    )


@cache
def workbook() -> bytes:
    """The units of `UNITS_CSV` as XLSX."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in csv.reader(io.StringIO(UNITS_CSV)):
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


async def _clients(admin: Api) -> dict[str, str | None]:
    wanted: dict[str, tuple[str, str | None]] = {
        "admin": ("admin", None),
        "a county's admin": ("admin", "A"),
        **{scope: (scope, "A") for scope in SCOPES if scope != "admin"},
    }
    return {name: await _token(admin, *one) for name, one in wanted.items()}


async def _token(admin: Api, scope: str, unit: str | None) -> str:
    body = {"name": scope, "scopes": [scope], "unit": unit}
    client = await admin.made("POST", "/v1/clients", body)
    form = {"grant_type": "client_credentials"}
    auth = (client["client_id"], client["client_secret"])
    reply = await admin.http.post("/oauth/token", data=form, auth=auth)
    return str(reply.json()["access_token"])


async def _victim(admin: Api, number: int) -> Any:
    body = {"name": f"victim {number}", "scopes": ["results:read"], "unit": "A"}
    client = await admin.made("POST", "/v1/clients", body)
    found = await admin.made("GET", f"/v1/clients/{client['client_id']}")
    return {**client, "secrets": found["secrets"]}


async def _receipt(admin: Api, token: str) -> str:
    reply = await admin.made("POST", f"/v1/invitations/{token}/responses", submission())
    return str(reply["receipt"])


def _bodies(
    receipts: Sequence[str], credentials: Sequence[Credentials], proofs: Sequence[str]
) -> dict[str, Callable[[random.Random], Any]]:
    def receipt(chance: random.Random) -> Any:
        return {"receipt": chance.choice(receipts)}

    def response(chance: random.Random) -> Any:
        submission_id = str(uuid.UUID(int=chance.getrandbits(128)))
        return submission(submission_id=submission_id, device_proof=chance.choice(proofs))

    def token_form(chance: random.Random) -> Any:
        client_id, secret = chance.choice(credentials)
        return {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }

    return {
        "POST /oauth/token": token_form,
        "POST /oauth/revoke": lambda chance: {**token_form(chance), "token": "a.b.c"},
        "POST /v1/clients": lambda _: {"name": "x", "scopes": ["results:read"], "unit": "A"},
        "PUT /v1/clients/{client_id}/networks": lambda _: {"networks": ["127.0.0.0/8"]},
        "POST /v1/clients/{client_id}/secrets": lambda _: {},
        "POST /v1/units/import": lambda _: UNITS_CSV,
        "PUT /v1/units/{code}": lambda _: {"name": "x", "kind": "school", "parent": "A"},
        "PUT /v1/units/{code}/enrolment": lambda _: {"period": PERIOD, "students": 90},
        "PUT /v1/questionnaires/{code}": lambda _: QUESTIONNAIRE,
        "PUT /v1/campaigns/{code}": lambda _: campaign_body(region="A"),
        "POST /v1/campaigns/{code}/links": lambda chance: {
            "population": chance.choice(["parent", "teacher"]),
            "units": [chance.choice(["A1", "A2", "B1"])],
        },
        "POST /v1/campaigns/{code}/invitations": lambda chance: {
            "unit": chance.choice(["A1", "B1"]),
            "population": "parent",
            "count": chance.randint(1, 3),
        },
        "PUT /v1/campaigns/{code}/issued": lambda chance: {
            "unit": chance.choice(["A", "A1", "A2"]),
            "population": "parent",
            "channel": chance.choice(["link", "onsite", "paper"]),
            "count": chance.choice([None, 0, 90]),
        },
        "POST /v1/links/{link}/void": lambda _: {"reason": "x"},
        "POST /v1/links/{link}/restore": lambda _: {"reason": "x"},
        "POST /v1/campaigns/{code}/invitations/{batch}/void": lambda _: {"reason": "x"},
        "POST /v1/campaigns/{code}/invitations/{batch}/restore": lambda _: {"reason": "x"},
        "POST /v1/receipts/read": receipt,
        "POST /v1/receipts/withdraw": receipt,
        "POST /v1/receipts/erase": receipt,
        "POST /v1/campaigns/{code}/interviews": lambda chance: {
            "interviews": [_interview(chance) for _ in range(chance.randint(1, 3))]
        },
        "PUT /v1/campaigns/{code}/tallies/{batch}": _tally,
        "POST /v1/links/{link}/responses": response,
        "POST /v1/invitations/{token}/responses": response,
    }


def _tally(chance: random.Random) -> Any:
    row = {"population": "teacher", "respondents": 9, "counts": {"overall": {"satisfied": 5}}}
    return {
        "revision": chance.randint(1, 3),
        "channel": chance.choice(["phone", "paper"]),
        "as_of": campaign_body()["opens_at"],
        "rows": [{"unit": one, **row} for one in chance.sample(["A1", "A2"], 2)],
    }


def _interview(chance: random.Random) -> Any:
    return {
        "interview_id": f"V-{chance.randint(1, 500)}",
        "unit": chance.choice(["A1", "A2"]),
        "population": "parent",
        "phone": f"+86138{chance.randint(0, 99_999_999):08}",
        "disposition": "1.1",
        "ended_at": campaign_body()["opens_at"],  # a little later than that of the one there is
        "answers": submission()["answers"],
        "revision": chance.randint(1, 3),
    }
