"""Single responses as tables: one for each population, without anything that names a person."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core import clock
from app.core.database import driver_connection
from app.core.thresholds import SIGNS
from app.counts.layouts import layouts_of
from app.exports import queries
from app.exports.columns import Batch, Coded, Column, Table, Values, distinct, in_order
from app.exports.material import Material
from app.exports.schemas import ResponsesExportIn
from app.exports.variables import Stored, Variable, variables
from app.questionnaires import service as questionnaires
from app.questionnaires.layout import Layout
from app.questionnaires.tables import Questionnaire, QuestionnaireVersion
from app.responses.tables import Channel, Doubt
from app.results import service as results

_ROWS_AT_ONCE, _CELLS_AT_ONCE = 5_000, 100_000
_CHANNELS: Mapping[Channel, dict[str, str]] = {
    Channel.wechat: {"zh-CN": "微信", "en": "WeChat"},
    Channel.link: {"zh-CN": "链接", "en": "link"},
    Channel.invitation: {"zh-CN": "邀请", "en": "invitation"},
    Channel.phone: {"zh-CN": "电话", "en": "telephone"},
    Channel.onsite: {"zh-CN": "现场", "en": "on site"},
    Channel.paper: {"zh-CN": "纸质", "en": "paper"},
}
_FIXED = (
    Column("row", "integer", {"zh-CN": "行号（与提交先后无关）", "en": "row (not by arrival)"}),
    Column("unit", "category", {"zh-CN": "单位代码", "en": "unit, code"}),
    Column("unit_name", "category", {"zh-CN": "单位名称", "en": "unit, name"}),
    Column("county", "category", {"zh-CN": "县市区代码", "en": "county, code"}),
    Column("county_name", "category", {"zh-CN": "县市区名称", "en": "county, name"}),
    Column("population", "category", {"zh-CN": "群体", "en": "population"}),
    Column("channel", "category", {"zh-CN": "渠道", "en": "channel"}),
    Column("day", "day", {"zh-CN": "作答日期（北京时间）", "en": "day of answering (Shanghai)"}),
    Column("locale", "text", {"zh-CN": "作答语言", "en": "language of answering"}),
    Column("version", "integer", {"zh-CN": "问卷版本", "en": "questionnaire's version"}),
    Column("doubts", "text", {"zh-CN": "可疑标记", "en": "signs of doubt"}),
    Column("seconds", "integer", {"zh-CN": "用时（秒）", "en": "seconds taken"}),
)
NAMES = tuple(one.name for one in _FIXED)
TAKEN = ("codebook", "readme")
"""What stands in the file beside the tables."""


@dataclass(frozen=True)
class _Population:
    """How the rows of one population are read."""

    table: Table
    chosen: queries.Chosen
    layout: Layout
    fixed: Callable[[Sequence[Any], int], list[Values]]
    variables: Sequence[Variable]


async def variables_by_population(
    session: AsyncSession, campaign: Campaign, request: ResponsesExportIn
) -> list[tuple[CampaignPopulation, list[Variable]]]:
    """The populations that are exported, and the variables of each. Errors: InvalidInput."""
    every = await campaigns.populations(session, campaign.id)
    populations = results.chosen(every, request.population, "/population")
    layouts = await layouts_of(session, populations)
    labels = request.locale if request.values == "labels" else None
    found = []
    for one in populations:
        version = await session.get_one(QuestionnaireVersion, (one.questionnaire_id, one.version))
        definition = questionnaires.definition_of(version)
        layout = layouts[one.position]
        found.append((one, variables(definition, layout, reserved=NAMES, labels=labels)))
    return found


async def gathered(
    session: AsyncSession, caller: Principal, campaign: Campaign, request: ResponsesExportIn
) -> Material:
    """What is to be written; its rows are read in the same transaction, a snapshot.

    Errors: NotFound for `within`, InvalidInput for the population.
    """
    root_id = await results.scope(session, caller, campaign, request.within)
    connection = await driver_connection(session)
    units = _Units(await queries.units(session, root_id))
    layouts = await layouts_of(session, await campaigns.populations(session, campaign.id))
    parts: dict[str, _Population] = {}
    total = 0
    asked = await variables_by_population(session, campaign, request)
    names = distinct([*TAKEN, *(one.code for one, _ in asked)])[len(TAKEN) :]
    for name, (population, found) in zip(names, asked, strict=True):
        channel = Channel[request.channel] if request.channel else None
        chosen = campaign.id, population.position, root_id, channel, request.quality == "clean"
        total += await queries.count(connection, chosen)
        table = await _table(session, name, units, population, request, found)
        layout = layouts[population.position]
        parts[table.name] = _Population(
            table, chosen, layout, _fixed(units, population.version), found
        )
    key = secrets.token_bytes(32)

    async def rows(table: Table) -> AsyncGenerator[Batch, None]:
        part, number = parts[table.name], 1
        fit = max(1, _CELLS_AT_ONCE // len(table.columns))
        async for some in queries.responses(
            connection,
            part.chosen,
            key=key,
            with_texts=part.layout.texts > 0,
            at_once=min(fit, _ROWS_AT_ONCE),
        ):
            yield await asyncio.to_thread(_decoded, part, some, number)
            number += len(some)

    every = tuple(part.table for part in parts.values())
    return Material(clock.now(), True, every, total, rows)


class _Units:
    """Where each unit stands among the categories of its columns."""

    def __init__(self, units: Sequence[Any]) -> None:
        self._ids = {one.id: number for number, one in enumerate(units)}
        columns = ("code", "name", "county", "county_name")
        self._columns = [in_order(getattr(one, name) for one in units) for name in columns]

    @property
    def categories(self) -> list[tuple[str, ...]]:
        """Of code, name, county's code and name."""
        return [categories for categories, _ in self._columns]

    def values(self, unit_ids: Sequence[int]) -> list[Values]:
        """The four columns for these units."""
        numbers = [self._ids[one] for one in unit_ids]
        return [[places[number] for number in numbers] for _, places in self._columns]


async def _table(
    session: AsyncSession,
    name: str,
    units: _Units,
    population: CampaignPopulation,
    request: ResponsesExportIn,
    found: Sequence[Variable],
) -> Table:
    labels = request.values == "labels"
    channels = [label[request.locale] if labels else one.name for one, label in _CHANNELS.items()]
    categories = dict(
        zip(("unit", "unit_name", "county", "county_name"), units.categories, strict=True)
    ) | {"population": (population.code,), "channel": distinct(channels)}
    values = {
        "channel": tuple(Coded(one.name, label) for one, label in _CHANNELS.items()),
        "doubts": tuple(Coded(one, {}) for one in SIGNS),
    }
    fixed = [
        Column(
            one.name,
            one.kind,
            one.label,
            categories.get(one.name, ()),
            values=values.get(one.name, ()),
        )
        for one in _FIXED
    ]
    questionnaire = await session.get_one(Questionnaire, population.questionnaire_id)
    note = {"questionnaire": questionnaire.code, "version": str(population.version)}
    return Table(name, (*fixed, *(one.column for one in found)), note)


def _fixed(units: _Units, version: int) -> Callable[[Sequence[Any], int], list[Values]]:
    channels = {one: number for number, one in enumerate(_CHANNELS)}
    doubts = {quality: _signs(quality) for quality in range(2 ** len(SIGNS))}

    def read(rows: Sequence[Any], first: int) -> list[Values]:
        size = len(rows)
        return [
            range(first, first + size),
            *units.values([row["unit_id"] for row in rows]),
            [0] * size,
            [channels[row["channel"]] for row in rows],
            [row["day"] for row in rows],
            [row["locale"] for row in rows],
            [version] * size,
            [None if row["quality"] is None else doubts[row["quality"]] for row in rows],
            [row["seconds"] for row in rows],
        ]

    return read


def _signs(quality: int) -> str:
    return " ".join(one.name for one in Doubt if one.name and quality & one)


def _decoded(part: _Population, rows: Sequence[Any], first: int) -> Batch:
    stored = Stored(
        answers=[row["answers"] for row in rows],
        numbers=[row["numbers"] for row in rows],
        texts=[
            dict(zip(row["positions"], row["bodies"], strict=True)) if row["bodies"] else {}
            for row in rows
        ],
    )
    return [*part.fixed(rows, first), *(one.read(stored) for one in part.variables)]
