"""SQL of questionnaires."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.questionnaires.tables import Questionnaire, QuestionnaireVersion
from app.units.tables import Unit, line, subtree

_CONSENTS = text("""
    INSERT INTO consents (questionnaire_id, version, locale, text_sha256)
    SELECT questionnaire_id, version, said.key, sha256(convert_to(said.value, 'UTF8'))
    FROM questionnaire_versions, jsonb_each_text(
        CASE jsonb_typeof(definition -> 'consent') WHEN 'object' THEN definition -> 'consent' END
    ) AS said
    WHERE questionnaire_id = :id AND version = :version ORDER BY said.key
""")


async def lock_questionnaire(session: AsyncSession, code: str) -> None:
    """Let one transaction at a time make, change or publish the questionnaire with this code."""
    statement = text("SELECT pg_advisory_xact_lock(hashtext('questionnaires'), hashtext(:code))")
    await session.execute(statement, {"code": code})


def _visible(seen_from: int | None) -> ColumnElement[bool]:
    if seen_from is None:
        return true()
    owner = Questionnaire.unit_id
    return or_(owner.is_(None), owner.in_(line(seen_from)), owner.in_(subtree(seen_from)))


async def questionnaire_by_code(
    session: AsyncSession, code: str, *, seen_from: int | None = None
) -> Questionnaire | None:
    """The questionnaire with this code, if it is visible from a unit (None: from anywhere).

    Visible is what nobody owns, or a unit on the line up from there, or one in the subtree.
    """
    statement = select(Questionnaire).where(Questionnaire.code == code, _visible(seen_from))
    return await session.scalar(statement)


async def list_questionnaires(
    session: AsyncSession, *, seen_from: int | None, after: str | None, limit: int
) -> list[Any]:
    """Visible questionnaires in order of their codes: `limit + 1` of them."""
    number = QuestionnaireVersion.version
    versions = (
        select(func.array_agg(number).aggregate_order_by(number))
        .where(QuestionnaireVersion.questionnaire_id == Questionnaire.id)
        .scalar_subquery()
    )
    statement = (
        select(
            Questionnaire.code,
            Unit.code.label("unit"),
            Questionnaire.draft["title"].label("title"),
            func.coalesce(versions, text("'{}'::int[]")).label("versions"),
            Questionnaire.changed_at,
        )
        .outerjoin(Unit, Unit.id == Questionnaire.unit_id)
        .where(_visible(seen_from), Questionnaire.code > (after or ""))
        .order_by(Questionnaire.code)
        .limit(limit + 1)
    )
    return list(await session.execute(statement))


async def owner_code(session: AsyncSession, questionnaire: Questionnaire) -> str | None:
    """The code of the unit that owns a questionnaire, if one does."""
    return await session.scalar(select(Unit.code).where(Unit.id == questionnaire.unit_id))


async def upsert_draft(
    session: AsyncSession, *, code: str, unit_id: int | None, draft: dict[str, Any]
) -> Questionnaire:
    """Create a questionnaire, or change its owner and draft."""
    changed = {"unit_id": unit_id, "draft": draft, "changed_at": func.now()}
    statement = (
        insert(Questionnaire)
        .values(code=code, **changed)
        .on_conflict_do_update(index_elements=["code"], set_=changed)
        .returning(Questionnaire)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one()


async def questionnaire_by_id(session: AsyncSession, questionnaire_id: int) -> Questionnaire | None:
    """The questionnaire with this id."""
    return await session.get(Questionnaire, questionnaire_id)


async def version_by_number(
    session: AsyncSession, questionnaire_id: int, version: int
) -> QuestionnaireVersion | None:
    """One published version."""
    return await session.get(QuestionnaireVersion, (questionnaire_id, version))


async def definitions(
    session: AsyncSession, versions: Collection[tuple[int, int]]
) -> dict[tuple[int, int], dict[str, Any]]:
    """The definitions of published versions, by (questionnaire id, version)."""
    key = tuple_(QuestionnaireVersion.questionnaire_id, QuestionnaireVersion.version)
    rows = await session.scalars(select(QuestionnaireVersion).where(key.in_(versions)))
    return {(row.questionnaire_id, row.version): row.definition for row in rows}


async def latest_version(
    session: AsyncSession, questionnaire_id: int
) -> QuestionnaireVersion | None:
    """The version published last."""
    return await session.scalar(
        select(QuestionnaireVersion)
        .where(QuestionnaireVersion.questionnaire_id == questionnaire_id)
        .order_by(QuestionnaireVersion.version.desc())
        .limit(1)
    )


async def version_numbers(session: AsyncSession, questionnaire_id: int) -> list[int]:
    """The numbers of all published versions, in order."""
    return list(
        await session.scalars(
            select(QuestionnaireVersion.version)
            .where(QuestionnaireVersion.questionnaire_id == questionnaire_id)
            .order_by(QuestionnaireVersion.version)
        )
    )


async def insert_version(
    session: AsyncSession, questionnaire_id: int, version: int, definition: dict[str, Any]
) -> None:
    """Publish a version and its consent texts; the database lets nobody change them afterwards."""
    session.add(
        QuestionnaireVersion(
            questionnaire_id=questionnaire_id, version=version, definition=definition
        )
    )
    await session.flush()
    await session.execute(_CONSENTS, {"id": questionnaire_id, "version": version})
