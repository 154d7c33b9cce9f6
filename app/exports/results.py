"""Results as a table: what /results tells this caller, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.problems import FieldError, InvalidInput
from app.counts.layouts import layouts_of
from app.exports.columns import Batch, Coded, Column, Kind, Table, plain
from app.exports.material import Material
from app.exports.schemas import ResultsExportIn
from app.exports.variables import asked
from app.questionnaires import service as questionnaires
from app.questionnaires.tables import QuestionnaireVersion
from app.results import service
from app.results.schemas import ResultRow, ResultsOut, ResultsQuery

_AT_ONCE = 5_000
_Read = Callable[[ResultRow], object]
_COLUMNS: Sequence[tuple[str, Kind, str, str, _Read]] = (
    ("unit", "text", "单位代码", "unit, code", lambda row: row.unit and row.unit.code),
    ("unit_name", "text", "单位名称", "unit, name", lambda row: row.unit and row.unit.name),
    ("population", "text", "群体", "population", lambda row: row.population),
    ("channel", "text", "渠道", "channel", lambda row: row.channel),
    ("day", "day", "作答日期（北京时间）", "day (Shanghai)", lambda row: row.day),
    (
        "question",
        "text",
        "题目；空为各指标题合计",
        "question; empty: indicators, pooled",
        lambda row: row.question,
    ),
    ("respondents", "integer", "作答人数", "respondents", lambda row: row.respondents),
    ("included", "integer", "计入人数", "included in the figures", lambda row: row.included),
    ("answered", "integer", "答了此题", "answered it", lambda row: row.answered),
    ("missing", "integer", "未答此题", "did not answer it", lambda row: row.missing),
    ("rate", "number", "满意率", "rate", lambda row: row.rate),
    (
        "dont_know_share",
        "number",
        "不了解占比",
        "share of don't know",
        lambda row: row.dont_know_share,
    ),
    (
        "interval_low",
        "number",
        "95% 区间下限",
        "interval at 95 %, lower end",
        lambda row: row.interval and row.interval[0],
    ),
    (
        "interval_high",
        "number",
        "95% 区间上限",
        "interval at 95 %, upper end",
        lambda row: row.interval and row.interval[1],
    ),
    ("interval_kind", "text", "区间性质", "kind of interval", lambda row: row.interval_kind),
    ("no_interval", "text", "为何没有区间", "why no interval", lambda row: row.no_interval),
    ("heads", "integer", "总人数", "heads", lambda row: row.heads),
    ("suppressed", "flag", "为保护个人而隐去", "hidden to protect", lambda row: row.suppressed),
    ("comparable", "flag", "各群体题目一致", "same question", lambda row: row.comparable),
)


async def check(
    session: AsyncSession, caller: Principal, campaign: Campaign, request: ResultsExportIn
) -> None:
    """Whether a request can be met, by its first row.

    Errors: as `results.service.results`, with pointers into the request's body.
    """
    await _page(session, caller, campaign, _query(request, 1))


async def gathered(
    session: AsyncSession, caller: Principal, campaign: Campaign, request: ResultsExportIn
) -> Material:
    """What is to be written; its rows are read in the same transaction, a snapshot.

    Errors: as `check`.
    """
    query = _query(request, _AT_ONCE)
    page, values = await _page(session, caller, campaign, query)
    questions = await _questions(session, campaign)
    columns = [
        Column(name, kind, {"zh-CN": zh, "en": en}, values=questions if name == "question" else ())
        for name, kind, zh, en, _ in _COLUMNS
    ]
    columns += [
        Column(f"counts.{one}", "integer", {"zh-CN": f"票数：{one}", "en": f"votes for {one}"})
        for one in values
    ]

    async def rows(table: Table) -> AsyncGenerator[Batch, None]:
        shown = page
        while True:
            yield await asyncio.to_thread(_batch, shown.rows, values)
            if shown.next is None:
                return
            following = query.model_copy(update={"cursor": shown.next})
            shown, _ = await _page(session, caller, campaign, following)

    total = len(page.rows) if page.next is None else None
    tables = (Table("results", tuple(columns)),)
    return Material(page.as_of, page.exact, tables, total, rows, page.release)


def _query(request: ResultsExportIn, limit: int) -> ResultsQuery:
    query = ResultsQuery(**request.model_dump(exclude={"content", "format"}))
    return query.model_copy(update={"limit": limit})


async def _page(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: ResultsQuery
) -> tuple[ResultsOut, list[str]]:
    try:
        found, columns = await service.results(session, caller, campaign, query)
        return found, columns.votes
    except InvalidInput as error:
        raise InvalidInput(
            errors=[
                FieldError(one.pointer.replace("?", "/"), one.code, one.message)
                for one in error.errors
            ]
        ) from error


async def _questions(session: AsyncSession, campaign: Campaign) -> tuple[Coded, ...]:
    populations = await campaigns.populations(session, campaign.id)
    layouts = await layouts_of(session, populations)
    found: dict[str, Coded] = {}
    for one in populations:
        version = await session.get_one(QuestionnaireVersion, (one.questionnaire_id, one.version))
        definition = questionnaires.definition_of(version)
        for coded in asked(definition, layouts[one.position]):
            found.setdefault(coded.value, coded)
    return tuple(found.values())


def _batch(rows: Sequence[ResultRow], values: Sequence[str]) -> Batch:
    counts: list[Mapping[str, int]] = [row.counts or {} for row in rows]
    columns = [[_value(read(row)) for row in rows] for *_, read in _COLUMNS]
    return [*columns, *([one.get(value) for one in counts] for value in values)]


def _value(value: object) -> object:
    return plain(value) if isinstance(value, str) else value
