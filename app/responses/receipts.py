"""Receipts: proof of arrival for whoever holds one, and the way to withdraw and to erase."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from app.core import clock
from app.core.database import Connection
from app.core.problems import NotFound
from app.responses import ledger, queries
from app.responses.directory import Directory, Questionnaire, Rules
from app.responses.ledger import settling
from app.responses.problems import Closed
from app.responses.submission import receipt, receipt_names
from app.responses.tables import Cause

ArrivalStatus = Literal["accepted", "withdrawn", "replaced", "voided"]
_STANDING = ("accepted", "voided")
"""Of these, withdrawing changes something: a voided response could be restored."""


@dataclass(frozen=True)
class Arrival:
    """What a receipt proves."""

    campaign: str
    status: ArrivalStatus
    received_at: datetime
    answers: dict[str, Any] | None
    """None after the campaign's `answers_shown`, so that nobody can demand to be shown them later,
    or where the response does not count."""
    consent: "Consented | None"
    """What its person agreed to, where the questionnaire has a text for it."""
    erased_from: datetime
    """From when on everything is erased that could lead to a person."""


@dataclass(frozen=True)
class Consented:
    """Which text a person was shown and agreed to by sending."""

    version: int
    """Of the questionnaire."""
    locale: str
    sha256: str
    """Of the exact text in UTF-8, in hexadecimal."""


async def read(connection: Connection, directory: Directory, text: str) -> Arrival:
    """What became of the response behind a receipt. Errors: NotFound."""
    rules, submission_id = await _verified(connection, directory, text)
    row = (await queries.latest(connection, [(rules.id, submission_id)])).get(0)
    if row is None:
        raise _unknown()
    status = _status(row)
    answers = None
    population = next(one for one in rules.populations if one.position == row["population"])
    asked = population.questionnaire
    if status == "accepted" and clock.now() - row["answered_at"] < rules.answers_shown:
        answers = asked.validator.decode(ledger.encoded_of(row))
    consent = _consented(asked, row["consent_id"])
    return Arrival(rules.code, status, row["answered_at"], answers, consent, rules.erased_from)


def _consented(asked: Questionnaire, consent_id: int | None) -> Consented | None:
    consent = asked.consents.get(consent_id) if consent_id is not None else None
    if consent is None:
        return None
    return Consented(asked.version, consent.locale, consent.text_sha256.hex())


def _status(row: dict[str, Any]) -> ArrivalStatus:
    if row["sign"] > 0:
        return "accepted"
    match row["cause"]:
        case Cause.replaced:
            return "replaced"
        case Cause.voided:
            return "voided"
        case _:
            return "withdrawn"


async def withdraw(connection: Connection, directory: Directory, text: str) -> Arrival:
    """Take the response behind a receipt out of the count; the person may answer again.

    Can be repeated. Errors: NotFound; Closed, since a closed campaign's numbers stand.
    """
    rules, submission_id = await _verified(connection, directory, text)
    arrival = await read(connection, directory, text)
    if arrival.status in _STANDING:
        if not _open(rules):
            raise Closed("Responses can be withdrawn only until the campaign closes.")
        await _withdraw(connection, rules, submission_id)
        return replace(arrival, status="withdrawn", answers=None)
    return arrival


async def erase(connection: Connection, directory: Directory, text: str) -> Arrival:
    """Erase what its person wrote in the response behind a receipt; can be repeated.

    Until the campaign closes the response is withdrawn with it. After that its closed answers
    stay counted, which say nothing of anybody, and its claim stays until `erased_from`, so that
    nobody is counted twice. Errors: NotFound.
    """
    rules, submission_id = await _verified(connection, directory, text)
    arrival = await read(connection, directory, text)
    status = arrival.status
    if status in _STANDING and _open(rules):
        await _withdraw(connection, rules, submission_id)
        status = "withdrawn"
    async with connection.transaction():
        await queries.delete_texts(connection, rules.id, submission_id)
    return replace(arrival, status=status, answers=None)


def _open(rules: Rules) -> bool:
    return rules.state == "open" and clock.now() < rules.closes_at


async def _withdraw(connection: Connection, rules: Rules, submission_id: UUID) -> None:
    withdrawing = partial(ledger.withdraw, connection, rules.id, submission_id)
    await settling.in_a_transaction(connection, withdrawing)


async def _verified(connection: Connection, directory: Directory, text: str) -> tuple[Rules, UUID]:
    named = receipt_names(text)
    rules = await directory.campaign_by_id(connection, named[0]) if named else None
    if named is None or rules is None or not rules.receipt_key:
        raise _unknown()  # without the key, whoever knows the form could make one
    expected = receipt(rules.receipt_key, *named)
    if not hmac.compare_digest(expected.encode(), text.strip().encode()):
        raise _unknown()
    return rules, named[1]


def _unknown() -> NotFound:
    return NotFound("There is no response with this receipt: check that it is complete.")
