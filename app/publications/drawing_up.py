"""Drawing up what is published: everything is read of one release, as everybody may read it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.problems import FieldError, InvalidInput
from app.publications import queries
from app.publications.method import FORMULAS
from app.publications.packing import lines
from app.publications.schemas import (
    Excluded,
    Method,
    PublicationIn,
    PublishedPopulation,
    PublishedRanking,
)
from app.releases.drawing import Showing, drawn
from app.releases.tables import Release
from app.responses.tables import Cause
from app.results import service
from app.results.coverage import service as coverage
from app.results.ranking import service as rankings
from app.results.ranking.schemas import RankingQuery
from app.results.released import View
from app.results.schemas import Composite, ResultRow, ResultsOut, ResultsQuery, RowsQuery
from app.telephone.reconciliation.signing import canonical
from app.units.schemas import Kind, UnitRef
from app.units.tables import Unit

INTERVAL_LEVEL = 0.95
MAX_ROWS = 200_000
"""Lines in a section: all of it stands in memory while it is made."""
_GROUPINGS = (
    "population",
    "population,question",
    "population,channel",
    "population,channel,question",
)
_OF_THE_DAY = {"pace", "expected_on", "on_time"}
"""What coverage foresees on the day of reading is no figure of a release."""


@dataclass(frozen=True)
class Draft:
    """A publication before it has a number."""

    campaign: Campaign
    release: Release
    wanted: PublicationIn
    composite: Composite | None
    rankings: list[PublishedRanking]
    method: Method
    """But for what is excluded: that is told in `told`, when nobody else publishes."""
    left_out: dict[str, int]
    """How many responses are excluded or doubtful, exactly."""
    sections: dict[str, bytes]
    """Lines of JSON, by name."""


@dataclass(frozen=True)
class _Reading:
    session: AsyncSession
    caller: Principal
    campaign: Campaign
    release: Release
    levels: Sequence[Kind]

    async def results(self, by: str, level: Kind | None) -> ResultsOut:
        query = ResultsQuery(
            by=f"unit,{by}" if level else by,
            level=level or "school",
            release=self.release.number,
        )
        try:
            found, _ = await service.results(self.session, self.caller, self.campaign, query)
        except InvalidInput as refused:
            raise _too_many(service.MAX_ROWS) from refused
        return found


async def drawn_up(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    release: Release,
    wanted: PublicationIn,
) -> Draft:
    """What is to be published of a release.

    The session sees one state of the database. Errors: InvalidInput for too many rows.
    """
    reading = _Reading(session, caller, campaign, release, wanted.levels)
    whole = await reading.results("population", None)
    ranked, ranks = await _rankings(reading)
    method, questionnaires = await _method(session, campaign, whole)
    return Draft(
        campaign=campaign,
        release=release,
        wanted=wanted,
        composite=whole.composite,
        rankings=ranked,
        method=method,
        left_out=await _left_out(session, campaign.id),
        sections={
            "rows": lines(await _rows(reading)),
            "ranking": lines(ranks),
            "coverage": lines(await _coverage(reading)),
            "questionnaires": lines(questionnaires),
        },
    )


async def _rows(reading: _Reading) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for level in (None, *reading.levels):
        for by in _GROUPINGS:
            found = await reading.results(by, level)
            rows += (
                {"level": level, **row.model_dump(mode="json", exclude_unset=True)}
                for row in found.rows
            )
            if len(rows) > MAX_ROWS:
                raise _too_many(MAX_ROWS)
    return rows


def _too_many(most: int) -> InvalidInput:
    message = f"This makes more than {most:,} rows at once: name fewer levels."
    return InvalidInput(errors=[FieldError("/levels", "too_many_rows", message)])


async def _rankings(reading: _Reading) -> tuple[list[PublishedRanking], list[dict[str, Any]]]:
    populations = await campaigns.populations(reading.session, reading.campaign.id)
    codes: list[str | None] = [one.code for one in populations]
    if len(codes) > 1:
        codes.append(None)  # the composite
    ranked, rows = [], []
    for level in reading.levels:
        for population in codes:
            query = RankingQuery(level=level, population=population, release=reading.release.number)
            found = await rankings.ranking(reading.session, reading.caller, reading.campaign, query)
            ranked.append(PublishedRanking.model_validate(found))
            rows += [
                {"level": level, "population": population, **row.model_dump(mode="json")}
                for row in found.rows
            ]
    return ranked, rows


async def _coverage(reading: _Reading) -> list[dict[str, Any]]:
    view = View(reading.release.as_of, reading.release)
    rows = []
    for level in reading.levels:
        found = await coverage.coverage(
            reading.session,
            reading.caller,
            reading.campaign,
            RowsQuery(level=level),
            view=view,
        )
        rows += [
            {"level": level, **row.model_dump(mode="json", exclude=_OF_THE_DAY)}
            for row in found.rows
        ]
    return rows


async def _method(
    session: AsyncSession, campaign: Campaign, whole: ResultsOut
) -> tuple[Method, list[dict[str, Any]]]:
    region = await session.get_one(Unit, campaign.region_id)
    populations, questionnaires = await _populations(session, campaign, whole)
    method = Method(
        formulas=FORMULAS,
        region=UnitRef(code=region.code, name=region.name),
        period=campaign.period,
        populations=populations,
        headline_channels=campaign.headline_channels,
        min_rank=campaign.min_rank,
        min_cell=campaign.min_cell,
        interval_level=INTERVAL_LEVEL,
        excluded=Excluded(),
        software=f"xinsheng {version('xinsheng')}",
    )
    return method, questionnaires


async def _populations(
    session: AsyncSession, campaign: Campaign, whole: ResultsOut
) -> tuple[list[PublishedPopulation], list[dict[str, Any]]]:
    """What was asked of whom, and the definitions of it."""
    (described,) = await campaigns.described(session, [campaign])
    pooled = {row.population: row for row in whole.rows}
    populations = []
    questionnaires = {}
    for one in await campaigns.populations(session, campaign.id):
        asked = described.populations[one.code]
        definition = await queries.definition(session, one.questionnaire_id, one.version)
        questionnaires[asked.questionnaire, one.version] = definition
        populations.append(
            PublishedPopulation(
                code=one.code,
                weight=one.weight,
                questionnaire=asked.questionnaire,
                version=one.version,
                definition_sha256=hashlib.sha256(canonical(definition)).hexdigest(),
                targets=asked.targets,
                dont_know=_dont_know(pooled.get(one.code)),
            )
        )
    return populations, [
        {"questionnaire": code, "version": number, "definition": definition}
        for (code, number), definition in sorted(questionnaires.items(), key=lambda one: one[0])
    ]


def _dont_know(row: ResultRow | None) -> int | None:
    if row is None or row.answered is None:
        return None
    return round((row.dont_know_share or 0) * row.answered)


async def _left_out(session: AsyncSession, campaign_id: int) -> dict[str, int]:
    causes = await queries.left_out(session, campaign_id)
    return {
        "withdrawn": causes.get(Cause.withdrawn, 0),
        "superseded": causes.get(Cause.replaced, 0) + causes.get(Cause.revised, 0),
        "voided": causes.get(Cause.voided, 0) + causes.get(Cause.restored, 0),
        "doubtful": await queries.doubtful(session, campaign_id),
    }


async def told(session: AsyncSession, drawn: Draft) -> Draft:
    """The draft with what is excluded, told as a release tells figures: no single deed shows.

    Only while nobody else publishes: what was told before decides what may be told.
    """
    formerly = [
        msgspec.json.decode(one.statement)["method"]["excluded"]
        for one in await queries.publications(session, drawn.campaign.id)
    ]
    numbers = {
        name: _told(number, [one[name] for one in formerly], least=drawn.method.min_cell)
        for name, number in drawn.left_out.items()
    }
    method = drawn.method.model_copy(update={"excluded": Excluded(**numbers)})
    return replace(drawn, method=method)


def _told(now: int, formerly: Sequence[int | None], *, least: int) -> int | None:
    """A number as a release would tell it; `formerly` has the newest first."""
    last = formerly[0] if formerly else None
    ever = {one for one in formerly if one is not None}
    shown = drawn([now], Showing(None if last is None else [last], ever), least=least)
    return None if shown is None else shown[0]
