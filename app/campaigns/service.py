"""Rules of campaigns: who sees and changes them, what opening freezes, their life cycle."""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import queries
from app.campaigns.problems import CampaignFrozen, CampaignState, SandboxRefused
from app.campaigns.schemas import (
    MAX_POPULATIONS,
    CampaignIn,
    CampaignOut,
    Population,
    State,
    Target,
)
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core import clock
from app.core.keyring import Keyring
from app.core.problems import FieldError, InvalidInput, NotFound, pointer
from app.questionnaires import service as questionnaires
from app.questionnaires.problems import NotOwner
from app.units import service as units

KEY_PURPOSES = ("identity", "receipt")
_FROZEN_BY_OPENING = (
    "region",
    "identity",
    "once_per",
    "on_duplicate",
    "min_cell",
    "purpose",
    "answers_shown_minutes",
)
_VERBS: dict[State, str] = {"open": "open", "closed": "close", "archived": "archive"}
_BEFORE: dict[State, tuple[State, ...]] = {
    "open": ("draft", "closed"),
    "closed": ("open",),
    "archived": ("closed",),
}


async def visible(session: AsyncSession, caller: Principal, code: str) -> Campaign:
    """The campaign with this code, where its region is on the caller's line or below.

    Errors: NotFound, also for what the caller cannot see.
    """
    campaign = await queries.campaign_by_code(session, code, seen_from=caller.unit_id)
    if campaign is None:
        raise NotFound(f"There is no campaign {code} that this client can see.")
    return campaign


async def owned(session: AsyncSession, caller: Principal, code: str) -> Campaign:
    """The campaign with this code, where its region lies in the caller's subtree.

    Errors: NotFound where it is not visible, NotOwner where it belongs to a unit above.
    """
    campaign = await visible(session, caller, code)
    if not await owns(session, caller, campaign):
        raise NotOwner()
    return campaign


async def owns(session: AsyncSession, caller: Principal, campaign: Campaign) -> bool:
    """Whether a campaign's region lies in the caller's subtree."""
    return caller.unit_id is None or await units.lies_within(
        session, campaign.region_id, caller.unit_id
    )


async def root_seen(session: AsyncSession, caller: Principal, campaign: Campaign) -> int:
    """The id of the highest unit of a visible campaign that the caller sees: its region, or the
    caller's own unit within that."""
    region_id = campaign.region_id
    if caller.unit_id is not None and await units.lies_within(session, caller.unit_id, region_id):
        return caller.unit_id
    return region_id


async def locked(
    session: AsyncSession, caller: Principal, code: str, *, shared: bool = False
) -> Campaign:
    """The visible campaign, which nobody else can change before this transaction ends.

    Shared: others may hold it so too; none of them may then change it, or two would wait for
    each other. Errors: NotFound.
    """
    campaign = await visible(session, caller, code)
    await queries.lock_campaign(session, campaign.id, shared=shared)
    return await visible(session, caller, code)


async def touch(session: AsyncSession, campaign_id: int) -> None:
    """Count the revision up, as every change of a link or batch must, and lock the campaign."""
    await queries.update_campaign(session, campaign_id, {})


async def code_of(session: AsyncSession, campaign_id: int) -> str:
    """The code of a campaign that there is."""
    campaign = await session.get_one(Campaign, campaign_id)
    return campaign.code


async def populations(session: AsyncSession, campaign_id: int) -> list[CampaignPopulation]:
    """The populations of a campaign, in order of position."""
    return [population for population, _ in await queries.populations_of(session, [campaign_id])]


async def described(session: AsyncSession, campaigns: Sequence[Campaign]) -> list[CampaignOut]:
    """Campaigns as replies show them, in the order given."""
    regions = await queries.unit_codes(session, {one.region_id for one in campaigns})
    asked: dict[int, dict[str, Population]] = {one.id: {} for one in campaigns}
    for population, questionnaire in await queries.populations_of(session, list(asked)):
        asked[population.campaign_id][population.code] = Population(
            questionnaire=questionnaire,
            version=population.version,
            weight=population.weight,
            under_14=population.under_14,
            max_children=population.max_children,
            targets=[Target.model_validate(target) for target in population.targets],
        )
    return [
        CampaignOut.model_validate(
            {
                **{name: getattr(one, name) for name in _COLUMNS},
                "region": regions[one.region_id],
                "populations": asked[one.id],
                "code": one.code,
                "state": one.state,
                "sandbox": one.sandbox_of is not None,
            }
        )
        for one in campaigns
    ]


_COLUMNS = tuple(name for name in CampaignIn.model_fields if name not in ("region", "populations"))


async def put(
    session: AsyncSession, caller: Principal, keyring: Keyring, code: str, campaign: CampaignIn
) -> tuple[CampaignOut, bool]:
    """Create or change a campaign; returns it and whether it is new.

    Errors: NotFound where it, or its region, is not visible; NotOwner; InvalidInput for an
    unknown questionnaire version; CampaignFrozen for what its state no longer lets change;
    SandboxRefused for a sandbox.
    """
    stored = None
    if not await queries.code_taken(session, code):
        stored = await _created(session, caller, keyring, code, campaign)
    created = stored is not None
    if stored is None:
        stored = await _changed(session, caller, code, campaign)
    else:
        audit.record(session, caller, "campaign.make", code, region=campaign.region)
    return (await described(session, [stored]))[0], created


async def _created(
    session: AsyncSession, caller: Principal, keyring: Keyring, code: str, campaign: CampaignIn
) -> Campaign | None:
    region = await units.visible(session, caller, campaign.region)
    versions = await _versions(session, caller, campaign.populations)
    columns = {**campaign.model_dump(include=set(_COLUMNS)), "region_id": region.id}
    stored = await queries.insert_campaign(session, {**columns, "code": code})
    if stored is None:
        return None
    rows = [
        _row(stored.id, position, name, population, versions[name])
        for position, (name, population) in enumerate(campaign.populations.items())
    ]
    await queries.upsert_populations(session, rows)
    await give_keys(session, keyring, stored.id)
    return stored


async def give_keys(session: AsyncSession, keyring: Keyring, campaign_id: int) -> None:
    """Make the keys of a new campaign: nothing under them fits another campaign's."""
    wrapped = {
        purpose: keyring.wrap(secrets.token_bytes(32), context=key_context(campaign_id, purpose))
        for purpose in KEY_PURPOSES
    }
    await queries.insert_keys(session, campaign_id, wrapped)


def key_context(campaign_id: int, purpose: str) -> bytes:
    """What a campaign's wrapped key is bound to, so that no other row can hold it."""
    return f"campaign/{campaign_id}/{purpose}".encode()


async def _versions(
    session: AsyncSession, caller: Principal, wanted: dict[str, Population]
) -> dict[str, tuple[int, int]]:
    """Questionnaire id and version for each population. Errors: InvalidInput."""
    found: dict[str, tuple[int, int]] = {}
    errors = []
    for name, population in wanted.items():
        try:
            version = await questionnaires.published(
                session, caller, population.questionnaire, population.version
            )
        except NotFound:
            message = "There is no such published version of a questionnaire that you can see."
            where = pointer(["populations", name, "version"])
            errors.append(FieldError(where, "unknown_version", message))
        else:
            found[name] = (version.questionnaire_id, version.version)
    if errors:
        raise InvalidInput(errors=errors)
    return found


def _row(
    campaign_id: int, position: int, code: str, population: Population, version: tuple[int, int]
) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "position": position,
        "code": code,
        "questionnaire_id": version[0],
        "version": version[1],
        "weight": population.weight,
        "under_14": population.under_14,
        "max_children": population.max_children,
        "targets": [target.model_dump() for target in population.targets],
    }


async def _changed(
    session: AsyncSession, caller: Principal, code: str, campaign: CampaignIn
) -> Campaign:
    await locked(session, caller, code)
    stored = await owned(session, caller, code)
    if stored.sandbox_of is not None:
        raise SandboxRefused()
    (before,) = await described(session, [stored])
    changed = {
        name for name in CampaignIn.model_fields if getattr(before, name) != getattr(campaign, name)
    }
    if not changed:
        return stored
    if frozen := list(_frozen(before, campaign, changed)):
        raise CampaignFrozen(errors=frozen)
    audit.record(session, caller, "campaign.change", code, fields=sorted(changed))
    columns = campaign.model_dump(include=set(_COLUMNS) & changed)
    if "region" in changed:
        columns["region_id"] = (await units.visible(session, caller, campaign.region)).id
    if "populations" in changed:
        await _change_populations(session, caller, stored, before, campaign)
    return await queries.update_campaign(session, stored.id, columns)


def _frozen(before: CampaignOut, after: CampaignIn, changed: set[str]) -> Iterator[FieldError]:
    """What the campaign's state does not let change, of the fields that are to change."""
    if before.state == "archived":
        for name in sorted(changed):
            yield FieldError(pointer([name]), "frozen", "An archived campaign never changes.")
        return
    if before.state == "draft":
        return
    message = "This has been fixed since the campaign opened."
    for name in _FROZEN_BY_OPENING:
        if name in changed:
            yield FieldError(pointer([name]), "frozen", message)
    if after.retention_days > before.retention_days:
        longer = "People were told a shorter time; it can only become shorter still."
        yield FieldError("/retention_days", "frozen", longer)
    for name in {**before.populations, **after.populations}:
        was, now = before.populations.get(name), after.populations.get(name)
        if was is None or now is None:
            yield FieldError(pointer(["populations", name]), "frozen", message)
            continue
        for field in ("questionnaire", "version", "under_14", "max_children"):
            if getattr(was, field) != getattr(now, field):
                yield FieldError(pointer(["populations", name, field]), "frozen", message)


async def _change_populations(
    session: AsyncSession,
    caller: Principal,
    stored: Campaign,
    before: CampaignOut,
    after: CampaignIn,
) -> None:
    kept = {one.code: one for one in await populations(session, stored.id)}
    dropped = [kept.pop(name) for name in list(kept) if name not in after.populations]
    if dropped:
        positions = [one.position for one in dropped]
        if not await queries.delete_populations(session, stored.id, positions):
            message = "Links or invitations have been made for a population that is left out."
            raise CampaignFrozen(errors=[FieldError("/populations", "in_use", message)])
    asked_anew = {
        name: population
        for name, population in after.populations.items()
        if name not in kept or not _same_version(population, before.populations[name])
    }
    versions = {name: (one.questionnaire_id, one.version) for name, one in kept.items()}
    versions |= await _versions(session, caller, asked_anew)
    taken = {one.position for one in kept.values()}
    free = (position for position in range(MAX_POPULATIONS) if position not in taken)
    rows = [
        _row(
            stored.id,
            kept[name].position if name in kept else next(free),
            name,
            population,
            versions[name],
        )
        for name, population in after.populations.items()
    ]
    await queries.upsert_populations(session, rows)


def _same_version(one: Population, other: Population) -> bool:
    return (one.questionnaire, one.version) == (other.questionnaire, other.version)


async def move(session: AsyncSession, caller: Principal, code: str, to: State) -> CampaignOut:
    """Open, close or archive a campaign; where it is so already, nothing happens.

    Errors: NotFound, NotOwner, CampaignState where its present state does not lead there.
    """
    await locked(session, caller, code)
    campaign = await owned(session, caller, code)
    if campaign.state != to:
        if campaign.state not in _BEFORE[to]:
            raise CampaignState()
        if campaign.state == "closed" and to == "open" and campaign.closes_at <= clock.now():
            raise CampaignState("Its closes_at has passed: move that, then open it again.")
        campaign = await queries.update_campaign(session, campaign.id, {"state": to})
        audit.record(session, caller, f"campaign.{_VERBS[to]}", code)
    return (await described(session, [campaign]))[0]
