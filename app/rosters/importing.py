"""Importing a roster: all of it or nothing; the same row again makes nothing new."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core.database import Connection, driver_connection
from app.core.keyring import Keyring
from app.core.problems import FieldError
from app.identity.fingerprints import Proof, fingerprints, scope_of
from app.links import invitations
from app.links import service as links
from app.rosters import queries
from app.rosters.reading import MAX_ERRORS, Person, error_at, people, refused
from app.rosters.schemas import RosterOut
from app.rosters.sealing import Kept, RosterKeys
from app.units import service as units

MAX_SHARING = 10
"""Entries that may have one phone: the school's own, given for everybody, would be one person's,
and who answered for one of them would have answered for all."""
_Place = tuple[int, int]
"""A unit's id and a population's position."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row as it is about to be stored."""

    person: Person
    place: _Place
    mac: bytes
    scope: str
    proofs: tuple[bytes, ...]
    """The fingerprints of phone and external id."""


async def import_roster(
    session: AsyncSession,
    caller: Principal,
    keyring: Keyring,
    code: str,
    kind: str,
    body: bytes,
    *,
    keep_phones: bool,
) -> RosterOut:
    """Take a list of people, of one of `reading.KINDS`, and invite those who are new.

    Errors: CountyRequired; NotFound where the campaign is not visible; Malformed; CampaignState;
    InvitationsNotAdmitted; ImportRefused with one error for each bad row. Nothing is to be
    committed then.
    """
    await links.require_county(session, caller)
    campaign = await campaigns.visible(session, caller, code)
    key = await _identity_key(session, keyring, campaign)
    # In threads: a hundred thousand rows take seconds.
    read, errors = await asyncio.to_thread(people, kind, body)
    sent = await _placed(session, caller, campaign, key, read, errors)
    # Alone with the campaign: two at once must not both find a row new. What was read of it before
    # has been fixed since it opened; only its end may have come.
    campaign = await campaigns.locked(session, caller, code)
    await _identity_key(session, keyring, campaign)
    connection = await driver_connection(session)
    known = await queries.known(connection, campaign.id, sent.keys())
    if keep_phones:
        keys = RosterKeys(key, campaign.id)
        await queries.seal_anew(connection, await asyncio.to_thread(_sealed, keys, known, sent))
    new = [entry for mac, entry in sent.items() if mac not in known]
    sharing, roster = 0, None
    if new:
        await queries.forget_revoked(connection, campaign.id, [entry.mac for entry in new])
        sharing = await _sharing(connection, campaign, new)
        roster = await _invite(session, caller, keyring, campaign, key, new, keep_phones)
    counts = {"rows": len(read), "created": len(new), "known": len(read) - len(new)}
    audit.record(session, caller, "roster.import", code, **counts, callable=keep_phones)
    return RosterOut(roster=roster, sharing=sharing, **counts)


async def _identity_key(session: AsyncSession, keyring: Keyring, campaign: Campaign) -> bytes:
    if campaign.state == "draft":
        raise CampaignState(
            "Open the campaign first, which fixes within what a person answers once; its opens_at "
            "can lie ahead."
        )
    if campaign.state == "archived":
        raise CampaignState("The campaign is archived: nothing is made for it any more.")
    wrapped = await queries.wrapped_key(session, campaign.id)
    if wrapped is None:
        raise CampaignState("The campaign's key is destroyed: nobody can be told apart any more.")
    return keyring.unwrap(wrapped, context=campaigns.key_context(campaign.id, "identity"))


async def _placed(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    key: bytes,
    read: Sequence[Person],
    errors: list[FieldError],
) -> dict[bytes, _Entry]:
    """Entries by what makes a row the same again. Errors: ImportRefused, also for `errors`."""
    populations = {one.code: one for one in await campaigns.populations(session, campaign.id)}
    codes = {one.unit for one in read}
    ids = await units.visible_ids(session, caller, codes, within=campaign.region_id)
    errors += islice(_misplaced(read, ids, populations), MAX_ERRORS)
    if errors:
        raise refused(errors)
    return await asyncio.to_thread(_entries, read, campaign, key, ids, populations)


def _misplaced(
    read: Sequence[Person], known: Collection[str], populations: Mapping[str, CampaignPopulation]
) -> Iterator[FieldError]:
    for one in read:
        population = populations.get(one.population)
        if one.unit not in known:
            message = "Name a unit in the campaign's region and in your client's subtree."
            yield error_at(one.row, "unit", "unknown_unit", message)
        elif population is None:
            message = "Name one of the campaign's populations."
            yield error_at(one.row, "population", "unknown_population", message)
        elif population.under_14:
            message = "Of a population under 14 no list is taken: make invitations by number."
            yield error_at(one.row, "population", "identifies_a_child", message)
        elif one.child is not None and one.child > population.max_children:
            most = population.max_children
            message = f"Here one person answers for {most}: leave it out, or number them from 1."
            yield error_at(one.row, "child", "too_many_children", message)


def _entries(
    read: Sequence[Person],
    campaign: Campaign,
    key: bytes,
    ids: Mapping[str, int],
    populations: Mapping[str, CampaignPopulation],
) -> dict[bytes, _Entry]:
    """By what makes a row the same again; of equal rows the first."""
    keys = RosterKeys(key, campaign.id)
    found: dict[bytes, _Entry] = {}
    for one in read:
        unit_id, position = ids[one.unit], populations[one.population].position
        mac = keys.row_mac(unit_id, position, one.phone, one.external_id, one.child)
        if mac in found:
            continue
        scope = scope_of(campaign.once_per, population=position, unit_id=unit_id)
        proofs = [Proof("phone", one.phone)] if one.phone else []
        proofs += [Proof("external", one.external_id)] if one.external_id else []
        child = None if one.child is None else str(one.child)
        made = fingerprints(key, scope, proofs, child=child)
        found[mac] = _Entry(one, (unit_id, position), mac, scope, made)
    return found


async def _sharing(connection: Connection, campaign: Campaign, new: Sequence[_Entry]) -> int:
    """How many of these have a proof in common with others. Errors: ImportRefused."""
    times = Counter(proof for entry in new for proof in entry.proofs)
    times.update(await queries.times_listed(connection, campaign.id, times.keys()))
    message = (
        f"More than {MAX_SHARING} rows have this phone or external_id: leave out what is not the "
        "person's own, such as the school's number."
    )
    errors = [
        error_at(entry.person.row, "phone", "shared_too_often", message)
        for entry in new
        if any(times[proof] > MAX_SHARING for proof in entry.proofs)
    ]
    if errors:
        raise refused(errors)
    return sum(any(times[proof] > 1 for proof in entry.proofs) for entry in new)


def _sealed(
    keys: RosterKeys, known: Mapping[bytes, tuple[int, int]], sent: Mapping[bytes, _Entry]
) -> list[tuple[int, int, bytes | None]]:
    """What is kept of rows that were known, in case they came without their phones before."""
    return [
        (*place, keys.seal(*place, Kept(sent[mac].person.child, sent[mac].person.phone)))
        for mac, place in known.items()
    ]


async def _invite(
    session: AsyncSession,
    caller: Principal,
    keyring: Keyring,
    campaign: Campaign,
    key: bytes,
    new: Sequence[_Entry],
    keep_phones: bool,
) -> int:
    """Store new entries and a batch of invitations for each of their places; the roster.

    Errors: ImportRefused for more than the enrolment, InvitationsNotAdmitted.
    """
    if not caller.may("admin"):
        await _check_enrolment(session, campaign, new)
    signer = keyring.current("invitation")
    counts = Counter(entry.place for entry in new)
    roster, batches = await links.make_roster_batches(session, caller, campaign, signer, counts)
    keys = RosterKeys(key, campaign.id)
    serials: Counter[_Place] = Counter()
    entries: list[tuple[Any, ...]] = []
    proofs: list[tuple[Any, ...]] = []

    def number() -> None:
        for one in new:
            batch, serial = batches[one.place], serials[one.place]
            serials[one.place] += 1
            invitation = [Proof("invitation", invitations.proof(batch, serial))]
            all_proofs = [*fingerprints(key, one.scope, invitation), *one.proofs]
            kept = Kept(one.person.child, one.person.phone if keep_phones else None)
            sealed = keys.seal(batch, serial, kept)
            row = one.person.row
            entries.append((batch, serial, campaign.id, row, one.mac, all_proofs, sealed))
            proofs.extend((campaign.id, proof, batch, serial) for proof in one.proofs)

    await asyncio.to_thread(number)
    await queries.insert(await driver_connection(session), entries, proofs)
    return roster


async def _check_enrolment(
    session: AsyncSession, campaign: Campaign, new: Sequence[_Entry]
) -> None:
    counts = Counter(entry.place for entry in new)
    invited = {one.position: one for one in await campaigns.populations(session, campaign.id)}
    rooms = await links.room(session, campaign, invited, {unit for unit, _ in counts})
    firsts: dict[_Place, int] = {}
    for entry in new:
        firsts.setdefault(entry.place, entry.person.row)
    errors = []
    for place, count in counts.items():
        over = links.over_enrolment(rooms[place], count, invited[place[1]].code)
        if over is not None:
            errors.append(error_at(firsts[place], "unit", *over))
    if errors:
        raise refused(errors)
