"""Questionnaires that ship with the product: published once, owned by nobody, visible to all."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.questionnaires import queries
from app.questionnaires.schemas import Definition

_FOLDER = Path(__file__).parent / "definitions"


async def publish_missing(session: AsyncSession) -> None:
    """Publish as version 1 every shipped questionnaire that is not there yet."""
    for path in sorted(_FOLDER.glob("*.json")):
        await queries.lock_questionnaire(session, path.stem)
        if await queries.questionnaire_by_code(session, path.stem) is None:
            definition = Definition.model_validate_json(path.read_bytes())
            document = definition.model_dump(mode="json", by_alias=True)
            made = await queries.upsert_draft(session, code=path.stem, unit_id=None, draft=document)
            await queries.insert_version(session, made.id, 1, document)
