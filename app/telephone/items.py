"""The items of a delivery: each checked against the campaign and brought into canonical form."""

import asyncio
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from app.core.problems import FieldError, InvalidInput, NotFound, Problem
from app.identity.fingerprints import Proof, fingerprints, scope_of
from app.identity.phones import e164
from app.questionnaires.conditions import given
from app.questionnaires.validator import Encoded
from app.responses.directory import Population, Rules
from app.responses.submission import Submission
from app.responses.tables import Channel
from app.telephone.dispositions import ANSWERED, PARTIAL
from app.telephone.schemas import InterviewIn

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours a contractor's clock may be."""
_AT_A_TIME = 50
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Item:
    """One interview, checked: its unit and population found, phone and answers canonical."""

    sent: InterviewIn
    unit_id: int
    population: Population
    phone: str | None
    """In E.164."""
    encoded: Encoded | None
    """None where the disposition says that nobody answered."""


@dataclass(frozen=True, slots=True)
class Sealed(Item):
    """An item with all that hangs on the campaign's key."""

    content_mac: bytes
    submission_id: UUID
    """Under which its response stands in the ledger, whatever its revision."""
    shown: tuple[bytes, ...]
    """The fingerprints of what it says of its person; none where it has no answers."""


async def each(work: Callable[[_In], _Out], items: Sequence[_In | Problem]) -> list[_Out | Problem]:
    """Do this to each item; what is wrong with one takes its place, here or from before."""
    done: list[_Out | Problem] = []
    for index, item in enumerate(items):
        if index % _AT_A_TIME == 0:
            await asyncio.sleep(0)  # parents are waiting for this process too
        try:
            done.append(item if isinstance(item, Problem) else work(item))
        except Problem as problem:
            done.append(problem)
    return done


def check(sent: InterviewIn, *, rules: Rules, units: Mapping[str, int], now: datetime) -> Item:
    """Check an item against the campaign; `units` are the ids of those it may count for.

    Errors, with pointers into the item: InvalidAnswers where it is only the answers, NotFound
    where it is only the unit, else InvalidInput with everything that is wrong.
    """
    problems: list[Problem] = []
    unit_id = units.get(sent.unit)
    if unit_id is None:
        problems.append(_unknown_unit())
    population = rules.population(sent.population)
    if population is None:
        message = "Give the code of one of the campaign's populations."
        problems.append(_invalid("/population", "unknown_population", message))
    if ended := _misplaced(sent.ended_at, rules, now):
        problems.append(ended)
    phone = e164(sent.phone) if sent.phone is not None else None
    if sent.phone is not None and phone is None:
        message = "Write it as +8613800000000, or leave it out where it is not known."
        problems.append(_invalid("/phone", "bad_phone", message))
    if population is not None and population.under_14:
        problems += _leading_to_a_child(sent)
    encoded = None
    try:
        encoded = _encoded(sent, population)
    except InvalidInput as problem:
        problems.append(problem)
    if problems or unit_id is None or population is None:
        raise _together(problems)
    return Item(sent, unit_id, population, phone, encoded)


def _leading_to_a_child(sent: InterviewIn) -> list[Problem]:
    message = "Leave it out: of a population under 14 nothing is taken that leads to a child."
    return [
        _invalid(f"/{name}", "identifies_a_child", message)
        for name in ("phone", "external_id", "child", "sample_id")
        if getattr(sent, name) is not None
    ]


def _encoded(sent: InterviewIn, population: Population | None) -> Encoded | None:
    answers = sent.answers or {}
    answered = any(given(answer) for answer in answers.values())
    if sent.disposition not in ANSWERED:
        if answered:
            message = "Only the dispositions 1.1 and 1.2 come with answers."
            raise _invalid("/answers", "answers_not_expected", message)
        return None
    if not answered:
        message = "The dispositions 1.1 and 1.2 need answers."
        raise _invalid("/answers", "answers_missing", message)
    if population is None:
        return None
    validator = population.questionnaire.validator
    return validator.encode(answers, require=sent.disposition != PARTIAL)


def _misplaced(ended_at: datetime, rules: Rules, now: datetime) -> InvalidInput | None:
    if ended_at > now + CLOCK_SKEW:
        return _invalid("/ended_at", "in_the_future", "An interview is delivered after it ended.")
    if not rules.opens_at <= ended_at < rules.closes_at:
        message = "It must lie from the campaign's opens_at until before its closes_at."
        return _invalid("/ended_at", "outside_window", message)
    return None


def _invalid(where: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(where, code, message)])


def _unknown_unit() -> NotFound:
    message = "Give the code of a unit in the campaign's region and in your client's subtree."
    return NotFound(errors=[FieldError("/unit", "not_found", message)])


def _together(problems: Sequence[Problem]) -> Problem:
    if len(problems) == 1:
        return problems[0]
    return InvalidInput(errors=[error for problem in problems for error in problem.errors])


def _more_of(sent: InterviewIn) -> dict[str, Any]:
    more = {name: getattr(sent, name) for name in ("language", "recording", "recording_sha256")}
    more["calls"] = calls_of(sent)
    return {name: value for name, value in more.items() if value is not None}


def calls_of(sent: InterviewIn) -> list[dict[str, Any]] | None:
    """The attempts as they are stored: times in UTC, without what was left out."""
    if sent.calls is None:
        return None
    return [
        {**call.model_dump(exclude_none=True), "at": call.at.astimezone(UTC).isoformat()}
        for call in sent.calls
    ]


class Seals:
    """A campaign's keys for interviews: hashes that only who holds the campaign's key can make.

    They come from its identity key, so that they say nothing more once that is destroyed: a
    phone number is soon guessed by whoever can hash it together with the rest of its item.
    """

    def __init__(self, identity_key: bytes) -> None:
        self._content_key = hmac.digest(identity_key, b"interviews/content", "sha256")
        self._id_key = hmac.digest(identity_key, b"interviews/submission_id", "sha256")

    def content(self, item: Item) -> bytes:
        """What is equal for equal content, whatever its revision and spelling."""
        sent = item.sent
        began = sent.started_at
        canonical: list[Any] = [
            item.unit_id,
            item.population.position,
            sent.child,
            item.phone,
            sent.sample_id,
            sent.disposition,
            sent.attempts,
            sent.interviewer,
            began.astimezone(UTC) if began else None,
            sent.ended_at.astimezone(UTC),
            item.encoded and [item.encoded.answers, item.encoded.numbers, item.encoded.texts],
        ]
        if sent.external_id is not None:  # else as it was before there were external ids
            canonical.append(sent.external_id)
        if more := _more_of(sent):  # else as it was before there were these
            canonical.append(more)
        return hmac.digest(self._content_key, msgspec.json.encode(canonical), "sha256")

    def submission_id(self, source_id: int, interview_id: str) -> UUID:
        """Under which an interview's response stands in the ledger: not to be guessed."""
        message = f"{source_id}/{interview_id}".encode()
        digest = hmac.digest(self._id_key, message, "sha256")
        return UUID(bytes=digest[:16])


def shown_by(item: Item, rules: Rules) -> tuple[bytes, ...]:
    """The fingerprints of what an interview says of its person, sorted."""
    assert rules.identity_key is not None
    proofs = [Proof("phone", item.phone)] if item.phone else []
    proofs += [Proof("external", item.sent.external_id)] if item.sent.external_id else []
    scope = scope_of(rules.once_per, population=item.population.position, unit_id=item.unit_id)
    return fingerprints(rules.identity_key, scope, proofs, child=item.sent.child)


def sealed(item: Item, *, rules: Rules, seals: Seals, source_id: int) -> Sealed:
    """The item with what hangs on the campaign's key, as the source delivers it."""
    return Sealed(
        item.sent,
        item.unit_id,
        item.population,
        item.phone,
        item.encoded,
        seals.content(item),
        seals.submission_id(source_id, item.sent.interview_id),
        shown_by(item, rules) if item.encoded else (),
    )


def submission_of(
    item: Sealed, rules: Rules, source_id: int, claimed: Collection[bytes]
) -> Submission:
    """The response that an interview with answers makes; `claimed`: all that is its person's."""
    assert item.encoded is not None
    sent = item.sent
    seconds = (sent.ended_at - sent.started_at).total_seconds() if sent.started_at else None
    return Submission(
        campaign_id=rules.id,
        revision=rules.revision,
        submission_id=item.submission_id,
        unit_id=item.unit_id,
        population=item.population.position,
        channel=Channel.phone,
        origin_id=source_id,
        encoded=item.encoded,
        fingerprints=tuple(sorted(claimed)),
        answered_at=sent.ended_at,
        seconds=None if seconds is None else int(seconds),
    )
