"""Rules of questionnaires: who sees, changes and publishes them."""

import asyncio
from collections.abc import Collection
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.core import clock
from app.core.keyring import Keyring
from app.core.problems import FieldError, InvalidInput, NotFound
from app.questionnaires import previews, publishing, queries, suspicions
from app.questionnaires.layout import Layout, layout_of
from app.questionnaires.previews import Preview
from app.questionnaires.problems import NotOwner, QuestionnaireRefused
from app.questionnaires.schemas import Definition, Published, QuestionnaireIn, Warned
from app.questionnaires.tables import Questionnaire, QuestionnaireVersion
from app.units import service as units


async def visible(session: AsyncSession, caller: Principal, code: str) -> Questionnaire:
    """The questionnaire with this code: owned by nobody, or on the caller's line or below.

    Errors: NotFound, also for what the caller cannot see.
    """
    found = await queries.questionnaire_by_code(session, code, seen_from=caller.unit_id)
    if found is None:
        raise NotFound(f"There is no questionnaire {code} that this client can see.")
    return found


async def published(
    session: AsyncSession, caller: Principal, code: str, version: int
) -> QuestionnaireVersion:
    """One published version of a questionnaire that the caller sees. Errors: NotFound."""
    questionnaire = await visible(session, caller, code)
    found = await queries.version_by_number(session, questionnaire.id, version)
    if found is None:
        raise NotFound(f"The questionnaire {code} has no published version of this number.")
    return found


async def definition(
    session: AsyncSession, caller: Principal, code: str, version: int | None
) -> Definition:
    """A questionnaire's draft, or one published version of it. Errors: NotFound."""
    if version is not None:
        return definition_of(await published(session, caller, code, version))
    return Definition.model_validate((await visible(session, caller, code)).draft)


def definition_of(version: QuestionnaireVersion) -> Definition:
    """The definition that a published version froze."""
    return Definition.model_validate(version.definition)


async def layouts(
    session: AsyncSession, versions: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Layout]:
    """The layouts of published versions, by (questionnaire id, version)."""
    return {
        version: layout_of(Definition.model_validate(definition))
        for version, definition in (await queries.definitions(session, versions)).items()
    }


async def put(
    session: AsyncSession, caller: Principal, code: str, draft: QuestionnaireIn
) -> tuple[Questionnaire, bool]:
    """Create a questionnaire or change its draft; returns it and whether it is new.

    Errors: NotFound where it, or the unit that is to own it, is not the caller's to see; NotOwner
    where a unit above the caller's owns it; InvalidInput where it would belong to nobody and the
    caller has a unit.
    """
    await queries.lock_questionnaire(session, code)
    existing = await queries.questionnaire_by_code(session, code)
    if existing is not None:
        existing = await _own(session, caller, code)
    owner_id = await _owner_id(session, caller, draft, existing)
    document = _document(draft)
    stored = await queries.upsert_draft(session, code=code, unit_id=owner_id, draft=document)
    audit.record(session, caller, "questionnaire.draft", code, unit=draft.unit)
    return stored, existing is None


async def publish(session: AsyncSession, caller: Principal, code: str) -> tuple[Published, bool]:
    """Freeze the draft as the next version; returns it and whether it is new.

    A draft that is the latest version already makes no other. Errors: NotFound, NotOwner;
    QuestionnaireRefused listing everything that keeps it from being published.
    """
    await queries.lock_questionnaire(session, code)
    questionnaire = await _own(session, caller, code)
    definition = Definition.model_validate(questionnaire.draft)
    # Beside the loop on which parents are served: a large draft takes a while.
    errors = await asyncio.to_thread(publishing.refusals, definition)
    if errors:
        raise QuestionnaireRefused(errors=errors)
    latest = await queries.latest_version(session, questionnaire.id)
    changed = latest is None or latest.definition != questionnaire.draft
    number = (latest.version if latest else 0) + changed
    if changed:
        await queries.insert_version(session, questionnaire.id, number, questionnaire.draft)
        audit.record(session, caller, "questionnaire.publish", code, version=number)
    warnings = await asyncio.to_thread(suspicions.suspicions, definition)
    return Published(
        code=code,
        version=number,
        missing_translations=publishing.missing_translations(definition),
        warnings=[Warned.model_validate(one) for one in warnings],
    ), changed


async def preview(
    session: AsyncSession, caller: Principal, keyring: Keyring, code: str, version: int | None
) -> tuple[str, Preview]:
    """A token that shows a questionnaire to whoever has it for a week, and what it says.

    Nothing of it is stored but that it was made. Errors: NotFound.
    """
    if version is not None:
        await published(session, caller, code, version)
    questionnaire = await visible(session, caller, code)
    until = (clock.now() + previews.LASTS).replace(microsecond=0)
    made = Preview(questionnaire.id, version, until)
    audit.record(session, caller, "questionnaire.preview", code, version=version)
    return previews.token(keyring, made), made


async def previewed(session: AsyncSession, shown: Preview) -> tuple[str, Definition] | None:
    """The code and definition that a preview shows now; None where it is gone."""
    questionnaire = await queries.questionnaire_by_id(session, shown.questionnaire_id)
    if questionnaire is None:
        return None
    if shown.version is None:
        return questionnaire.code, Definition.model_validate(questionnaire.draft)
    found = await queries.version_by_number(session, questionnaire.id, shown.version)
    return (questionnaire.code, definition_of(found)) if found else None


async def _own(session: AsyncSession, caller: Principal, code: str) -> Questionnaire:
    found = await visible(session, caller, code)
    if caller.unit_id is not None and (
        found.unit_id is None or not await units.lies_within(session, found.unit_id, caller.unit_id)
    ):
        raise NotOwner()
    return found


async def _owner_id(
    session: AsyncSession,
    caller: Principal,
    draft: QuestionnaireIn,
    existing: Questionnaire | None,
) -> int | None:
    if draft.unit is not None:
        return (await units.visible(session, caller, draft.unit)).id
    if "unit" not in draft.model_fields_set:
        return existing.unit_id if existing else caller.unit_id
    if caller.unit_id is not None:
        message = "Name a unit: what belongs to nobody is for clients without a unit."
        raise InvalidInput(errors=[FieldError("/unit", "unit_needed", message)])
    return None


def _document(draft: QuestionnaireIn) -> dict[str, Any]:
    beside = set(QuestionnaireIn.model_fields) - set(Definition.model_fields)
    return draft.model_dump(mode="json", by_alias=True, exclude=beside)
