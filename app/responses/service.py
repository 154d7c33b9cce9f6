"""Rules of answering: who may come in, what identifies them, what they are told."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from app.core import clock
from app.core.database import Pool, lent
from app.core.keyring import Keyring
from app.core.limits.counting import Limits
from app.core.problems import Busy, FieldError, InvalidInput, NotFound, Problem
from app.identity import accounts, devices
from app.identity.fingerprints import Proof, fingerprints, network_mark, scope_of
from app.identity.problems import IdentityRequired
from app.links import invitations
from app.responses import ledger, queries
from app.responses.directory import Directory, Entrance
from app.responses.intake import Intake
from app.responses.problems import (
    AlreadyAnswered,
    Closed,
    LinkRevoked,
    NotOpenYet,
    SubmissionConflict,
    Withdrawn,
)
from app.responses.schemas import SubmissionIn
from app.responses.submission import Outcome, Submission, receipt
from app.responses.tables import Channel
from app.rosters import ties
from app.rosters.ties import Invited

PAGE_GRACE = timedelta(minutes=10)
"""A page that was filled in before closing is taken this much longer."""
_LONGEST = timedelta(days=30)
_LONGEST_CODE = 16
_COUNTED_ONCE = (Outcome.stored, Outcome.replaced, Outcome.outdated)
"""Outcomes that are no vain try of a person."""


@dataclass(frozen=True)
class Reception:
    """What receiving responses takes: one for each process, made when it starts."""

    pool: Pool
    keyring: Keyring
    directory: Directory
    intake: Intake
    limits: Limits


class Door(msgspec.Struct, frozen=True, gc=False):
    """A way in as a person came to it: the entrance, and what it proves of the person."""

    entrance: Entrance
    invitation: str | None = None
    invited: Invited | None = None
    """Who that is, where the invitation is one of a roster's."""


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What a browser or client shows of its person, none of it believed before it is verified."""

    device: str | None = None
    """A device proof."""
    account: str | None = None
    """An account proof, as the cookie of `identity.accounts` holds it."""
    child: int | None = None
    """Which of the person's children it answers for."""


@asynccontextmanager
async def receiving(pool: Pool, keyring: Keyring, limits: Limits) -> AsyncIterator[Reception]:
    """Receive responses while the context lasts; at its end, what was accepted is finished."""
    intake = Intake(pool)
    intake.start()
    try:
        yield Reception(pool, keyring, Directory(pool, keyring), intake, limits)
    finally:
        await intake.stop()


FindDoor = Callable[[bool], Awaitable[Door]]
"""Finds the door again; the argument asks for a fresh look at the database."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An accepted response: its receipt, and how it stands to those before."""

    receipt: str
    first_time: bool
    """False where this very submission was stored before."""
    replaced: bool = False
    """Whether this person's earlier response gave way to it."""


async def by_link(reception: Reception, code: str, *, fresh: bool = False) -> Door:
    """The door of a link. Errors: NotFound."""
    entrance = None
    if code.isascii() and code.isalnum() and len(code) <= _LONGEST_CODE:
        entrance = await reception.directory.link(code, fresh=fresh)
    if entrance is None:
        raise NotFound("There is no such link: check the address or ask your school for it.")
    return Door(entrance)


async def by_invitation(reception: Reception, token: str, *, fresh: bool = False) -> Door:
    """The door of an invitation, its signature checked. Errors: NotFound."""
    parsed = invitations.parse(reception.keyring, token)
    entrance = None
    if parsed is not None:
        entrance = await reception.directory.batch(parsed[0], fresh=fresh)
    if parsed is None or entrance is None or parsed[1] >= entrance.count:
        raise NotFound("There is no such invitation: check that its address is complete.")
    invited, rules = None, entrance.rules
    if entrance.roster and rules.identity_key is not None:
        async with lent(reception.pool) as connection:
            invited = await ties.invited(connection, rules.identity_key, rules.id, *parsed)
    return Door(entrance, invitation=invitations.proof(*parsed), invited=invited)


def gate(entrance: Entrance, now: datetime, *, opened_at: datetime | None = None) -> Problem | None:
    """Why nothing is taken through an entrance at this time; None when it is open.

    `opened_at`: when the page that the answers were filled in on was made, where that is proved.
    """
    rules = entrance.rules
    if entrance.revoked:
        return LinkRevoked()
    if rules.state == "draft" or (rules.state == "open" and now < rules.opens_at):
        return NotOpenYet()
    if rules.state == "open" and now < rules.closes_at:
        return None
    in_time = opened_at is not None and opened_at < rules.closes_at
    if rules.state != "open" or not in_time or now >= rules.closes_at + PAGE_GRACE:
        return Closed()
    return None


def proofs_of(reception: Reception, door: Door, shown: Shown) -> list[Proof]:
    """What shows who answers, of the kinds that the campaign admits: all of it is claimed."""
    entrance = door.entrance
    proofs = []
    if door.invitation is not None:
        if not entrance.admits("invitation"):
            return []
        proofs.append(Proof("invitation", door.invitation))
    if shown.account is not None and entrance.admits("wechat"):
        found = accounts.accounts_of(
            reception.keyring, shown.account, entrance.rules.id, clock.now()
        )
        proofs += [Proof("wechat", account) for account in found]
    if not proofs and entrance.admits("device"):
        # Only as the sole proof: families share a phone.
        device = devices.device_of(reception.keyring, shown.device)
        proofs += [Proof("device", device)] if device else []
    return proofs


def fingerprints_of(reception: Reception, door: Door, shown: Shown) -> tuple[bytes, ...]:
    """The fingerprints that a response through this door claims; none where nobody is proved."""
    return _claimed(door, proofs_of(reception, door, shown), shown.child)


def _claimed(door: Door, proofs: Sequence[Proof], child: int | None) -> tuple[bytes, ...]:
    rules = door.entrance.rules
    if rules.identity_key is None or not proofs:
        return ()
    if door.invited is not None:
        child = door.invited.child
    scope = scope_of(
        rules.once_per,
        population=door.entrance.population.position,
        unit_id=door.entrance.unit_id,
    )
    slot = None if child is None else str(child)
    shown = fingerprints(rules.identity_key, scope, proofs, child=slot)
    if door.invited is None:
        return shown
    return tuple(sorted({*shown, *door.invited.fingerprints}))


async def has_answered(reception: Reception, door: Door, shown: Shown) -> bool:
    """Whether the person at this door has answered, and can answer no more."""
    if door.entrance.rules.on_duplicate == "keep_last":
        return False
    claims = fingerprints_of(reception, door, shown)
    if not claims:
        return False
    async with lent(reception.pool) as connection:
        return await queries.claimed(connection, door.entrance.rules.id, claims)


async def respond(
    reception: Reception,
    find_door: FindDoor,
    sent: SubmissionIn,
    *,
    account: str | None = None,
    network: str | None = None,
    opened_at: datetime | None = None,
) -> Stored:
    """Take one response; returns after it is committed.

    `account` is the account proof in its browser's cookie, `network` where it came from.

    Errors: those of answering (api: "Answering"), each a Problem. A submission that was stored
    before gets its receipt again whatever has become of the campaign or the proof since.
    """
    fresh = False
    for _ in range(4):
        door = await find_door(fresh)
        try:
            submission = _submission(reception, door, sent, account, network)
        except InvalidInput:
            # What is remembered may be a draft's questionnaire of before.
            if fresh:
                raise
            fresh = True
            continue
        refusal = gate(door.entrance, submission.answered_at, opened_at=opened_at)
        if refusal is None and not submission.fingerprints:
            refusal = IdentityRequired()
        if refusal is not None and not fresh:
            fresh = True
            continue
        if refusal is None:
            outcome = await _tried(reception, submission)
        elif (earlier := await _earlier(reception, submission)) is not None:
            outcome = earlier
        else:
            raise refusal
        if outcome is not Outcome.outdated:
            return _told(door, submission, outcome)
        fresh = True
    raise Busy("The campaign's rules are being changed just now.")


async def _tried(reception: Reception, submission: Submission) -> Outcome:
    """Submit it. Errors: TooMany for a person whose tries come to nothing again and again."""
    for claim in submission.fingerprints:
        reception.limits.check("proof", claim)
    outcome = await reception.intake.submit(submission)
    if outcome not in _COUNTED_ONCE:
        for claim in submission.fingerprints:
            reception.limits.count("proof", claim)
    return outcome


async def _earlier(reception: Reception, submission: Submission) -> Outcome | None:
    async with lent(reception.pool) as connection:
        return (await ledger.earlier(connection, [submission]))[0]


def _submission(
    reception: Reception,
    door: Door,
    sent: SubmissionIn,
    account: str | None,
    network: str | None,
) -> Submission:
    entrance, now = door.entrance, clock.now()
    _check_child(entrance, sent.child)
    proofs = proofs_of(reception, door, Shown(sent.device_proof, account, sent.child))
    by_account = any(one.kind == "wechat" for one in proofs)
    key = entrance.rules.identity_key
    return Submission(
        campaign_id=entrance.rules.id,
        revision=entrance.rules.revision,
        submission_id=sent.submission_id,
        unit_id=entrance.unit_id,
        population=entrance.population.position,
        channel=Channel.wechat if by_account and not door.invitation else entrance.channel,
        origin_id=entrance.origin_id,
        encoded=entrance.population.questionnaire.validator.encode(sent.answers),
        fingerprints=_claimed(door, proofs, sent.child),
        answered_at=now,
        seconds=_seconds(sent.started_at, now),
        locale=sent.locale,
        network=network_mark(key, network) if key and network else None,
        consent_id=entrance.population.questionnaire.consent_id(sent.locale),
        keep_last=entrance.rules.on_duplicate == "keep_last",
    )


def _check_child(entrance: Entrance, child: int | None) -> None:
    most = entrance.population.max_children
    if child is not None and child > most:
        message = f"Here one person answers for {most}: leave it out, or number them from 1."
        raise InvalidInput(errors=[FieldError("/child", "too_many_children", message)])


def _seconds(started_at: datetime | None, now: datetime) -> int | None:
    # A phone's clock can be wrong by years; that must not keep its owner from answering.
    if started_at is None or not timedelta() <= now - started_at <= _LONGEST:
        return None
    return int((now - started_at).total_seconds())


def _told(door: Door, submission: Submission, outcome: Outcome) -> Stored:
    match outcome:
        case Outcome.stored | Outcome.replayed | Outcome.replaced:
            text = receipt(door.entrance.rules.receipt_key, *submission.key)
            return Stored(
                text,
                first_time=outcome is not Outcome.replayed,
                replaced=outcome is Outcome.replaced,
            )
        case Outcome.conflicting:
            raise SubmissionConflict()
        case Outcome.withdrawn:
            raise Withdrawn()
        case _:
            raise AlreadyAnswered()


def asked(door: Door, answers: dict[str, Any]) -> dict[str, Any]:
    """A plain form's answers without those that the others make out of place."""
    return door.entrance.population.questionnaire.validator.asked(answers)
