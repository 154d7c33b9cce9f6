"""Rules of links and invitations: who makes them, for whom, and how many."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.access.service import IdempotentRequest
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core.keyring import Keyring, Subkey
from app.core.problems import Busy, FieldError, InvalidInput, NotFound, pointer
from app.links import queries
from app.links.problems import CountyRequired, InvitationsGone, InvitationsNotAdmitted
from app.links.schemas import MAX_UNITS, InvitationsIn, LinksIn
from app.links.tables import InvitationBatch
from app.units.tables import KINDS

# Without 0 and O, 1, l and I, which people confuse. 57^8 is 1.1e14: with ten million links, one
# guess in eleven million finds one, and a new code is taken already one time in as many.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CODE_LENGTH = 8
_TRIES = 5

_COUNTY_AND_ABOVE = KINDS[: KINDS.index("county") + 1]
_BASES = {"parent": "parents", "student": "students", "teacher": "teachers"}
_MAX_ERRORS = 100


async def make_links(
    session: AsyncSession, caller: Principal, code: str, wanted: LinksIn
) -> tuple[list[Any], bool]:
    """The links of a population and units, made where there are none; and whether any was.

    Errors: NotFound where campaign or units are not visible, InvalidInput, CampaignState.
    """
    campaign = await campaigns.locked(session, caller, code, shared=True)
    unit_ids = await _wanted_units(session, caller, campaign, wanted)
    population = await _population(session, campaign, wanted.population)
    made: set[str] = set()
    for _ in range(_TRIES):
        rows = await queries.links_in_force(session, campaign.id, population.position, unit_ids)
        missing = unit_ids.difference(row.unit_id for row in rows)
        if not missing:
            new = sum(row.code in made for row in rows)
            if new:
                audit.record(
                    session, caller, "links.make", code, population=wanted.population, links=new
                )
            return rows, new > 0
        codes = {unit_id: _new_code() for unit_id in missing}
        made.update(codes.values())
        await queries.insert_links(session, campaign.id, population.position, codes)
    raise Busy("No free codes were found for the links.")


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


async def _population(session: AsyncSession, campaign: Campaign, code: str) -> CampaignPopulation:
    if campaign.state == "archived":
        raise CampaignState("The campaign is archived: nothing is made for it any more.")
    return await population_of(session, campaign, code, "/population")


async def population_of(
    session: AsyncSession, campaign: Campaign, code: str, place: str
) -> CampaignPopulation:
    """The campaign's population with this code. Errors: InvalidInput, naming its `place`."""
    for population in await campaigns.populations(session, campaign.id):
        if population.code == code:
            return population
    message = "Name one of the campaign's populations."
    raise InvalidInput(errors=[FieldError(place, "unknown_population", message)])


async def _wanted_units(
    session: AsyncSession, caller: Principal, campaign: Campaign, wanted: LinksIn
) -> set[int]:
    if wanted.units is not None:
        places = [pointer(["units", number]) for number in range(len(wanted.units))]
        return set(await _units(session, caller, campaign, wanted.units, places))
    assert wanted.within is not None
    assert wanted.level is not None
    (root,) = await _units(session, caller, campaign, [wanted.within], ["/within"])
    found = await queries.ids_at_level(session, root, wanted.level, limit=MAX_UNITS + 1)
    if len(found) > MAX_UNITS:
        message = f"There are more than {MAX_UNITS:,} such units: ask for a part of them."
        raise InvalidInput(errors=[FieldError("/within", "too_many", message)])
    return set(found)


async def _units(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    codes: list[str],
    places: list[str],
) -> list[int]:
    """The ids of units that the caller sees, inside the campaign's region."""
    found = await queries.named_units(
        session, codes, seen_from=caller.unit_id, region_id=campaign.region_id
    )
    unseen, outside = [], []
    for code, place in zip(codes, places, strict=True):
        if code not in found:
            message = "There is no such unit that this client can see."
            unseen.append(FieldError(place, "unknown_unit", message))
        elif not found[code][1]:
            message = "The unit must lie inside the campaign's region."
            outside.append(FieldError(place, "outside_region", message))
    if unseen:
        raise NotFound(errors=unseen[:_MAX_ERRORS])
    if outside:
        raise InvalidInput(errors=outside[:_MAX_ERRORS])
    return [found[code][0] for code in codes]


async def links_of(
    session: AsyncSession, caller: Principal, campaign: Campaign, *, after: int, limit: int
) -> list[Any]:
    """A campaign's links that the caller sees, oldest first, of ids above `after`: one more than
    `limit`, so that the end shows."""
    return await queries.list_links(
        session, campaign.id, seen_from=caller.unit_id, after=after, limit=limit
    )


async def visible(session: AsyncSession, caller: Principal, code: str) -> Any:
    """The link with this code, its unit in the caller's subtree. Errors: NotFound."""
    link = await queries.link_by_code(session, code, seen_from=caller.unit_id)
    if link is None:
        raise NotFound("There is no such link that this client can see.")
    return link


async def revoke_link(session: AsyncSession, caller: Principal, code: str) -> Any:
    """Revoke a link for good; returns it. Errors: NotFound."""
    link = await visible(session, caller, code)
    if not link.revoked:
        # The campaign first, as in all that changes one: it serialises them.
        await campaigns.touch(session, link.campaign_id)
        await queries.revoke_link(session, link.id)
        audit.record(session, caller, "link.revoke", f"links/{link.id}")
    return await visible(session, caller, code)


async def make_invitations(
    session: AsyncSession,
    caller: Principal,
    keyring: Keyring,
    code: str,
    wanted: InvitationsIn,
    *,
    key: str | None,
) -> tuple[InvitationBatch, Subkey]:
    """A new batch of invitations, or the former one of this Idempotency-Key; and its signer.

    Errors: CountyRequired, those of idempotency keys, NotFound where campaign or unit is not
    visible, CampaignState, InvitationsNotAdmitted, InvalidInput for more than the enrolment,
    InvitationsGone.
    """
    await require_county(session, caller)
    request = IdempotentRequest(session, caller, keyring, key)
    body = wanted.model_dump_json().encode()
    former = await request.former_reply(b"invitations", code.encode(), body)
    if former is not None:
        batch = await queries.batch_by_id(session, former["batch"])
        signer = keyring.find("invitation", batch.key_id)
        if signer is None:
            raise InvitationsGone()
        return batch, signer
    signer = keyring.current("invitation")
    batch = await _new_batch(session, caller, code, wanted, signer)
    await request.keep({"batch": batch.id})
    return batch, signer


async def require_county(session: AsyncSession, caller: Principal) -> None:
    """Let only clients of counties and above go on. Errors: CountyRequired."""
    if caller.unit_id is None:
        return
    if await queries.unit_kind(session, caller.unit_id) not in _COUNTY_AND_ABOVE:
        raise CountyRequired()


async def _new_batch(
    session: AsyncSession, caller: Principal, code: str, wanted: InvitationsIn, signer: Subkey
) -> InvitationBatch:
    # Alone with the campaign: two at once must not both find the enrolment free.
    campaign = await campaigns.locked(session, caller, code)
    (unit_id,) = await _units(session, caller, campaign, [wanted.unit], ["/unit"])
    population = await _population(session, campaign, wanted.population)
    if "invitation" not in campaign.identity:
        raise InvitationsNotAdmitted()
    if not caller.may("admin"):
        await _check_enrolment(session, campaign, population, unit_id, wanted.count)
    batch = await queries.insert_batch(
        session,
        campaign_id=campaign.id,
        population=population.position,
        unit_id=unit_id,
        count=wanted.count,
        key_id=signer.id,
        client_id=caller.id,
    )
    detail = {"campaign": code, **wanted.model_dump()}
    audit.record(session, caller, "invitations.make", f"invitations/{batch.id}", **detail)
    return batch


async def _check_enrolment(
    session: AsyncSession,
    campaign: Campaign,
    population: CampaignPopulation,
    unit_id: int,
    count: int,
) -> None:
    rooms = await room(session, campaign, {population.position: population}, [unit_id])
    error = over_enrolment(rooms[unit_id, population.position], count, population.code)
    if error is not None:
        raise InvalidInput(errors=[FieldError("/count", *error)])


async def room(
    session: AsyncSession,
    campaign: Campaign,
    populations: Mapping[int, CampaignPopulation],
    unit_ids: Collection[int],
) -> dict[tuple[int, int], tuple[int, int] | None]:
    """By unit and population: how many are enrolled, and how many of them can still be invited.

    None where the enrolment is not known.
    """
    enrolments = await queries.enrolments(session, unit_ids, campaign.period)
    invited = await queries.invited(session, campaign.id, unit_ids)
    found: dict[tuple[int, int], tuple[int, int] | None] = {}
    for unit_id in unit_ids:
        for position, population in populations.items():
            basis = _BASES.get(population.code)
            heads = getattr(enrolments.get(unit_id), basis, None) if basis else None
            place = unit_id, position
            found[place] = None
            if heads is not None:
                found[place] = heads, max(heads - invited.get(place, 0), 0)
    return found


def over_enrolment(
    found: tuple[int, int] | None, count: int, population: str
) -> tuple[str, str] | None:
    """Why so many cannot be invited where `room` found this: code and message, or None."""
    if found is None:
        message = "The unit's enrolment for this population is not known: only admin may."
        return "enrolment_unknown", message
    enrolled, left = found
    if count <= left:
        return None
    basis = _BASES[population]
    message = f"The unit has {enrolled:,} {basis} enrolled: {left:,} invitations are left."
    return "more_than_enrolled", message


async def make_roster_batches(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    signer: Subkey,
    counts: Mapping[tuple[int, int], int],
) -> tuple[int, dict[tuple[int, int], int]]:
    """A batch for each unit and population, of so many invitations, for people of a roster.

    Returns the roster's number, and the batches by unit and population. The campaign is locked
    by the caller, who has checked what `make_invitations` checks. Errors: InvitationsNotAdmitted.
    """
    if "invitation" not in campaign.identity:
        raise InvitationsNotAdmitted()
    rows = [
        {
            "campaign_id": campaign.id,
            "population": population,
            "unit_id": unit_id,
            "count": count,
            "key_id": signer.id,
            "client_id": caller.id,
        }
        for (unit_id, population), count in counts.items()
    ]
    return await queries.insert_roster(session, rows)


async def revoke_batch(session: AsyncSession, caller: Principal, code: str, batch_id: int) -> Any:
    """Revoke a batch for good; returns it. Errors: CountyRequired, NotFound."""
    await require_county(session, caller)
    campaign = await campaigns.visible(session, caller, code)
    batch = await visible_batch(session, caller, campaign, batch_id)
    if not batch.revoked:
        await campaigns.touch(session, campaign.id)
        if await queries.revoke_batch(session, batch_id):
            target = f"invitations/{batch_id}"
            audit.record(session, caller, "invitations.revoke", target, campaign=code)
    return await visible_batch(session, caller, campaign, batch_id)


async def visible_batch(
    session: AsyncSession, caller: Principal, campaign: Campaign, batch_id: int
) -> Any:
    """One of a campaign's batches, its unit in the caller's subtree. Errors: NotFound."""
    batch = await queries.batch_of_campaign(
        session, campaign.id, batch_id, seen_from=caller.unit_id
    )
    if batch is None:
        raise NotFound("There is no such batch of invitations that this client can see.")
    return batch


async def batches_of(
    session: AsyncSession, caller: Principal, campaign: Campaign, *, after: int, limit: int
) -> list[Any]:
    """A campaign's batches that the caller sees, oldest first, of ids above `after`: one more than
    `limit`, so that the end shows."""
    return await queries.list_batches(
        session, campaign.id, seen_from=caller.unit_id, after=after, limit=limit
    )


async def batches_of_roster(
    session: AsyncSession, caller: Principal, campaign: Campaign, roster: int
) -> list[Any]:
    """All batches of a roster that the caller sees; their signer is `key_id`."""
    return await queries.batches_of_roster(session, campaign.id, roster, seen_from=caller.unit_id)
