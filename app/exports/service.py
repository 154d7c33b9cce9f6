"""Rules of exports: who may have what made, who may fetch it, and how many there may be."""

from collections.abc import AsyncGenerator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.access.problems import ScopeMissing
from app.access.scopes import Scope
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.database import Database
from app.core.problems import FieldError, InvalidInput, NotFound
from app.core.schemas import instant_in_cursor, to_instant_cursor
from app.exports import queries, responses, results
from app.exports.problems import TooManyExports
from app.exports.schemas import ExportOut, ResponsesExportIn, ResultsExportIn
from app.exports.tables import Export
from app.jobs import service as jobs
from app.jobs.tables import Job
from app.results import service as counted

KIND = "export"
CHUNK = 1 << 20
"""Bytes in a piece of a file as it is stored."""
MOST_KEPT = 20
"""Files of one client; another one takes the place of the oldest."""
MOST_COLUMNS = 16_384
"""Columns that a sheet of an XLSX has."""
_MOST_WAITING = 3


async def start(
    session: AsyncSession,
    caller: Principal,
    code: str,
    request: ResponsesExportIn | ResultsExportIn,
) -> Job:
    """Have a job make a file; the same request gets the same job while that has not ended.

    Errors: ScopeMissing, NotFound, InvalidInput, NoRelease, TooManyExports.
    """
    _check_scope(caller, request.content)
    campaign = await campaigns.visible(session, caller, code)
    await _check(session, caller, campaign, request)
    parameters = {"request": request.model_dump(mode="json")}
    await queries.lock_client(session, caller.id)
    waiting = await queries.unfinished(session, caller.id, KIND)
    for job in waiting:
        same = (job.campaign_id, job.parameters) == (campaign.id, parameters)
        # A token of fewer scopes may read less.
        if same and job.caller["scopes"] == sorted(caller.scopes):
            return job
    if len(waiting) >= _MOST_WAITING:
        raise TooManyExports()
    return await jobs.queue(
        session, caller, kind=KIND, parameters=parameters, campaign_id=campaign.id
    )


async def _check(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    request: ResponsesExportIn | ResultsExportIn,
) -> None:
    """Whether there is what is asked for: the job would only find out later."""
    if isinstance(request, ResultsExportIn):
        await results.check(session, caller, campaign, request)
        return
    await counted.scope(session, caller, campaign, request.within)
    for population, found in await responses.variables_by_population(session, campaign, request):
        if request.format == "xlsx" and len(responses.NAMES) + len(found) > MOST_COLUMNS:
            message = (
                f"The questionnaire of {population.code} makes more than {MOST_COLUMNS:,} "
                "columns, more than XLSX has: ask for csv or parquet."
            )
            raise InvalidInput(errors=[FieldError("/format", "too_many_columns", message)])


def _check_scope(caller: Principal, content: str, *, exact: bool = False) -> None:
    """Whether the caller may have such a file. Errors: ScopeMissing."""
    scopes: tuple[Scope, ...] = ("responses:read",)
    if content == "results":
        scopes = ("results:exact",) if exact else ("results:exact", "results:read")
    if not any(caller.may(one) for one in scopes):
        raise ScopeMissing(f"This needs the scope {' or '.join(scopes)}.")


async def own(
    session: AsyncSession, caller: Principal, *, cursor: str | None, limit: int
) -> tuple[list[ExportOut], str | None]:
    """A page of what the caller had made, the newest first, and the cursor of the next.

    Errors: InvalidInput for a cursor that is none.
    """
    rows = await queries.exports_of(
        session, caller.id, before=instant_in_cursor(cursor), limit=limit
    )
    shown = [_described(export, code) for export, code, _ in rows[:limit]]
    if len(rows) <= limit:
        return shown, None
    return shown, to_instant_cursor(shown[-1].made_at, shown[-1].id)


async def visible(
    session: AsyncSession, caller: Principal, export_id: UUID
) -> tuple[ExportOut, str]:
    """A file that the caller had made, or whose client's unit it administers; and the title of
    its campaign. Errors: NotFound; ScopeMissing where it may no longer see such figures."""
    found = await queries.export_seen(
        session,
        export_id,
        client_id=caller.id,
        admin=caller.may("admin"),
        seen_from=caller.unit_id,
    )
    if found is None:
        raise NotFound(
            "There is no such file that this client can see: it is kept for 7 days after its job "
            "was done."
        )
    export, code, title = found
    _check_scope(caller, export.content, exact=export.exact)
    return _described(export, code), title


def note_download(session: AsyncSession, caller: Principal, export: ExportOut) -> None:
    """Write down that a file was read."""
    audit.record(
        session,
        caller,
        "export.read",
        str(export.id),
        campaign=export.campaign,
        content=export.content,
    )


async def pieces(
    database: Database, export: ExportOut, first: int, last: int
) -> AsyncGenerator[bytes, None]:
    """The bytes of a file from the first to the last one, some at a time.

    Each is read by itself, so that a slow reader holds no connection. What is forgotten meanwhile
    ends early.
    """
    for number in range(first // CHUNK, last // CHUNK + 1):
        async with database.sessions() as session:
            body = await queries.chunk(session, export.id, number)
        if body is None:
            return
        start = max(0, first - number * CHUNK)
        yield body[start : last + 1 - number * CHUNK]


def url_of(export_id: UUID) -> str:
    """The address of a file's description; its content is below."""
    return f"/v1/exports/{export_id}"


def _described(export: Export, campaign: str) -> ExportOut:
    return ExportOut(
        id=export.id,
        campaign=campaign,
        content=export.content,
        format=export.format,
        file=f"{url_of(export.id)}/file",
        file_name=export.file_name,
        rows=export.rows,
        size=export.size,
        sha256=export.sha256.hex(),
        as_of=export.as_of,
        made_at=export.made_at,
        expires_at=export.expires_at,
    )
