"""SQL of questionnaires."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.questionnaires.tables import Questionnaire, QuestionnaireVersion


async def questionnaire_by_code(session: AsyncSession, code: str) -> Questionnaire | None:
    """The questionnaire with this code."""
    return await session.scalar(select(Questionnaire).where(Questionnaire.code == code))


async def upsert_draft(
    session: AsyncSession, *, code: str, unit_id: int | None, draft: dict[str, Any]
) -> None:
    """Create a questionnaire, or change its draft."""
    changed = {"unit_id": unit_id, "draft": draft, "changed_at": func.now()}
    statement = insert(Questionnaire).values(code=code, **changed)
    await session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))


async def insert_version(
    session: AsyncSession, questionnaire_id: int, version: int, definition: dict[str, Any]
) -> None:
    """Publish a version; the database lets nobody change it afterwards."""
    session.add(
        QuestionnaireVersion(
            questionnaire_id=questionnaire_id, version=version, definition=definition
        )
    )
    await session.flush()
