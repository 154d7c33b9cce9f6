"""Rules of publications: who makes one, what it corrects, what it says, and how it is signed."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.access.service import IdempotentRequest
from app.campaigns import service as campaigns
from app.campaigns.problems import SandboxRefused
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.problems import FieldError, InvalidInput, NotFound
from app.jobs import service as jobs
from app.jobs.running import Running
from app.jobs.tables import Job
from app.publications import queries
from app.publications.changes import COMPARED, changed_rows, changed_terms
from app.publications.drawing_up import Draft, drawn_up, told
from app.publications.packing import lines, packed, unpacked
from app.publications.problems import AlreadyCorrected
from app.publications.schemas import Changes, PublicationIn, Section, SectionDigest, Statement
from app.publications.tables import Publication
from app.releases import service as releases
from app.releases.schemas import ReleaseOut
from app.releases.tables import Release
from app.results.problems import NoRelease
from app.telephone.reconciliation.signing import canonical, public_keys, signed

MANY_UNITS = 150
"""Of more units than these a job publishes: their rows take more than a second."""
_TERMS = ("release", "levels", "method", "composite", "rankings")
"""Of a statement, what a correction is compared by besides its rows …"""
_FIGURES = ("composite.", "rankings.")
"""… and how the names of those among them begin that are figures."""
_UNCHANGED = {"zh-CN": "没有数字变化。", "en": "No figure changed."}


async def publishable(session: AsyncSession, caller: Principal, code: str) -> Campaign:
    """The campaign that a caller answers for. Errors: NotFound, NotOwner, SandboxRefused."""
    campaign = await campaigns.owned(session, caller, code)
    if campaign.sandbox_of is not None:
        raise SandboxRefused("A sandbox counts nowhere: publish the campaign that it is of.")
    return campaign


async def takes_long(session: AsyncSession, campaign: Campaign, wanted: PublicationIn) -> bool:
    """Whether it is more than a request should wait for, and keep others waiting."""
    return await queries.units_at(session, campaign.region_id, wanted.levels) > MANY_UNITS


async def put_off(
    session: AsyncSession, caller: Principal, campaign: Campaign, wanted: PublicationIn
) -> Job:
    """Have a job publish; what can be told to be wrong is told now. Errors: those of `draft`."""
    await _checked(session, campaign.id, wanted)
    return await jobs.queue(
        session,
        caller,
        kind="publication",
        parameters={"campaign": campaign.code, "wanted": wanted.model_dump(mode="json")},
        campaign_id=campaign.id,
        total=2,
    )


async def made(
    database: Database,
    keyring: Keyring,
    caller: Principal,
    code: str,
    wanted: PublicationIn,
    *,
    key: str | None,
    job: Running | None = None,
) -> int:
    """Publish once, however often it is begun under this key; returns the number.

    What is read for it takes seconds, in which it holds no lock. Errors: those of `draft` and of
    idempotency keys.
    """
    async with database.snapshot() as snapshot:
        drawn, corrected = await draft(snapshot, caller, code, wanted)
    if job is not None:
        async with database.sessions.begin() as session:
            await job.advance(session, done=1)
    async with database.sessions.begin() as session:
        request = IdempotentRequest(session, caller, keyring, key)
        former = await request.former_reply(*same_request(code, wanted))
        if former is None:
            published = await publish(session, caller, keyring, drawn, corrected)
            former = {"number": published.number}
            await request.keep(former)
        if job is not None:
            await job.advance(session, done=2)
    return int(former["number"])


def same_request(code: str, wanted: PublicationIn) -> tuple[bytes, ...]:
    """What makes it the same request when it is repeated."""
    return b"publications", code.encode(), wanted.model_dump_json().encode()


def url_of(code: str, number: int) -> str:
    """The address of a publication."""
    return f"/v1/campaigns/{code}/publications/{number}"


async def draft(
    session: AsyncSession, caller: Principal, code: str, wanted: PublicationIn
) -> tuple[Draft, dict[str, bytes]]:
    """What is to be published, and the sections of what it corrects, by name.

    The session sees one state of the database. Errors: those of `publishable`, NoRelease,
    AlreadyCorrected, InvalidInput for a release or a publication that there is not.
    """
    campaign = await publishable(session, caller, code)
    release = await _checked(session, campaign.id, wanted)
    corrected: dict[str, bytes] = {}
    if wanted.corrects is not None:
        sections: tuple[Section, ...] = ("statement", *COMPARED)
        corrected = {
            name: await content(session, campaign.id, wanted.corrects, name) for name in sections
        }
    return await drawn_up(session, caller, campaign, release, wanted), corrected


async def _checked(session: AsyncSession, campaign_id: int, wanted: PublicationIn) -> Release:
    if wanted.corrects is not None:
        await _check_correctable(session, campaign_id, wanted.corrects)
    return await _release(session, campaign_id, wanted.release)


async def _release(session: AsyncSession, campaign_id: int, number: int | None) -> Release:
    latest = await releases.latest(session, campaign_id)
    if latest is None:
        raise NoRelease("Make a release first: a publication tells what a release shows.")
    if number is None:
        return latest
    release = await releases.numbered(session, campaign_id, number)
    if release is None:
        message = f"Give the number of a release of this campaign: 1 to {latest.number}."
        raise InvalidInput(errors=[FieldError("/release", "unknown_release", message)])
    return release


async def _check_correctable(session: AsyncSession, campaign_id: int, number: int) -> None:
    if await queries.numbered(session, campaign_id, number) is None:
        message = "Give the number of a publication of this campaign."
        raise InvalidInput(errors=[FieldError("/corrects", "unknown_publication", message)])
    corrections = await queries.corrections(session, campaign_id)
    last = number
    while last in corrections:
        last = corrections[last]
    if last != number:
        raise AlreadyCorrected(f"Number {number} was corrected before: correct number {last}.")


async def publish(
    session: AsyncSession,
    caller: Principal,
    keyring: Keyring,
    drawn: Draft,
    corrected: Mapping[str, bytes],
) -> Publication:
    """Give a draft its number, sign it and store it, all or nothing. Errors: AlreadyCorrected."""
    campaign, wanted = drawn.campaign, drawn.wanted
    await queries.lock(session, campaign.id)
    if wanted.corrects is not None:
        await _check_correctable(session, campaign.id, wanted.corrects)
    drawn = await told(session, drawn)
    # Beside the loop on which parents are served.
    changes, sections = await asyncio.to_thread(_compared, drawn, corrected)
    stored = await asyncio.to_thread(
        lambda: {name: packed(content) for name, content in sections.items()}
    )
    number = await queries.last_number(session, campaign.id) + 1
    publication = _signed(keyring, drawn, _statement(drawn, number, sections, changes))
    await queries.insert(session, publication, stored)
    audit.record(
        session,
        caller,
        "publications.make",
        campaign.code,
        number=number,
        release=publication.release,
        corrects=wanted.corrects,
        digest=digest_of(publication),
    )
    return publication


def _signed(keyring: Keyring, drawn: Draft, statement: Statement) -> Publication:
    stated = canonical(statement.model_dump(mode="json"))
    signature = signed(keyring, stated)
    [public_key] = [one for one in public_keys(keyring) if one.key_id == signature.key_id]
    return Publication(
        campaign_id=drawn.campaign.id,
        number=statement.number,
        release=drawn.release.number,
        corrects=statement.corrects,
        statement=stated,
        key_id=signature.key_id,
        public_key=public_key.public_key,
        signature=signature.value,
    )


def _compared(
    drawn: Draft, corrected: Mapping[str, bytes]
) -> tuple[Changes | None, dict[str, bytes]]:
    """What a correction changes, and all sections; of what corrects nothing, no changes."""
    if not corrected:
        return None, {**drawn.sections, "changes": b""}
    rows = list(changed_rows(corrected, drawn.sections))
    counted: dict[str, Counter[str]] = {name: Counter() for name in COMPARED}
    for row in rows:
        counted[row["section"]][row["change"]] += 1
    before = json.loads(corrected["statement"])
    terms = changed_terms(_terms(before), _terms(_stated(drawn)))
    figures = bool(rows) or any(one["name"].startswith(_FIGURES) for one in terms)
    changes = Changes(
        figures_changed=figures,
        said=_in_words(counted) if figures else _UNCHANGED,
        rows={
            name: {kind: number[kind] for kind in ("changed", "came", "gone")}
            for name, number in counted.items()
        },
        terms=terms,
    )
    return changes, {**drawn.sections, "changes": lines(rows)}


def _terms(stated: Mapping[str, Any]) -> dict[str, Any]:
    rankings = [
        {"name": f"{one['level']}/{one['population'] or ''}", **one} for one in stated["rankings"]
    ]
    return {**{name: stated[name] for name in _TERMS}, "rankings": rankings}


def _in_words(counted: Mapping[str, Counter[str]]) -> dict[str, str]:
    total = sum(counted.values(), Counter[str]())
    changed, came, gone = total["changed"], total["came"], total["gone"]
    return {
        "zh-CN": f"{changed} 行数字有变化，新增 {came} 行，减少 {gone} 行。",
        "en": f"Figures of {changed} rows changed, {came} rows came, {gone} are gone.",
    }


def _stated(drawn: Draft) -> dict[str, Any]:
    """What a statement says whatever number it gets."""
    composite = drawn.composite
    return {
        "release": ReleaseOut.model_validate(drawn.release).model_dump(mode="json"),
        "levels": drawn.wanted.levels,
        "composite": composite and composite.model_dump(mode="json"),
        "rankings": [one.model_dump(mode="json") for one in drawn.rankings],
        "method": drawn.method.model_dump(mode="json"),
    }


def _statement(
    drawn: Draft, number: int, sections: Mapping[str, bytes], changes: Changes | None
) -> Statement:
    campaign, wanted = drawn.campaign, drawn.wanted
    return Statement.model_validate(
        {
            **_stated(drawn),
            "kind": "publication",
            "campaign": campaign.code,
            "campaign_title": campaign.title,
            "number": number,
            "title": wanted.title,
            "note": wanted.note,
            "made_at": clock.now().replace(microsecond=0),
            "corrects": wanted.corrects,
            "reason": wanted.reason,
            "sections": {name: _digest(content) for name, content in sections.items()},
            "changes": changes,
        }
    )


def _digest(content: bytes) -> SectionDigest:
    return SectionDigest(
        lines=content.count(b"\n"),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def digest_of(publication: Publication) -> str:
    """The SHA-256 of a publication's statement, in hexadecimal."""
    return hashlib.sha256(publication.statement).hexdigest()


async def found(session: AsyncSession, campaign_id: int, number: int) -> Publication:
    """The campaign's publication with this number. Errors: NotFound."""
    publication = await queries.numbered(session, campaign_id, number)
    if publication is None:
        raise NotFound("This campaign has no publication of this number.")
    return publication


async def content(session: AsyncSession, campaign_id: int, number: int, section: Section) -> bytes:
    """The bytes of one section, as they were published. Errors: NotFound."""
    if section == "statement":
        return (await found(session, campaign_id, number)).statement
    stored = await queries.section(session, campaign_id, number, section)
    if stored is None:
        raise NotFound("This campaign has no publication of this number.")
    return unpacked(stored)
