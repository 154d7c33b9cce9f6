"""Importing a unit list: all of it or nothing, with one error for each bad row."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.core.problems import FieldError
from app.core.schemas import storable
from app.core.workbook import UNCALCULATED
from app.units import queries
from app.units.problems import ImportRefused
from app.units.schemas import ImportOut, UnitRow
from app.units.service import above
from app.units.spreadsheet import BEYOND_HEADER, NUMBERS
from app.units.tables import KINDS, Unit

_UNIT_FIELDS = ("name", "kind", "stage", "residents")
_ENROLMENT_FIELDS = ("students", "parents", "teachers")
_NUMBER = re.compile(r"\d{1,15}")


async def import_units(
    session: AsyncSession, caller: Principal, rows: Iterable[tuple[int, dict[str, Any]]]
) -> ImportOut:
    """Create and change units from numbered rows, parents before or after children.

    A column that the file does not have leaves what is stored; an empty cell empties it.
    Errors: ImportRefused with one error for each bad row; then nothing is to be committed.
    """
    # In a thread, which reads the rows too: a large workbook takes seconds.
    numbered, errors, bad_codes = await asyncio.to_thread(_validated, rows)
    await queries.lock_tree(session)
    codes = {row.code for row in numbered.values()} | {
        row.parent for row in numbered.values() if row.parent
    }
    existing = await queries.units_by_codes(session, codes)
    numbered = await _completed(session, numbered, existing)
    in_view = None
    if caller.unit_id is not None:
        in_view = await queries.ids_within(session, caller.unit_id)
    errors += _misplaced(numbered, existing, in_view, bad_codes)
    errors += await _orphaned_kinds(session, numbered, existing)
    if errors:
        by_row = {_row_number(error): error for error in reversed(errors)}
        raise ImportRefused(errors=[by_row[number] for number in sorted(by_row)])
    counted = await _apply(session, list(numbered.values()), existing)
    audit.record(session, caller, "units.import", "units", **counted.model_dump())
    return counted


async def _completed(
    session: AsyncSession, numbered: dict[int, UnitRow], existing: dict[str, Unit]
) -> dict[int, UnitRow]:
    # What the file has no column for is as it is stored; `existing` gets the parents there.
    keeping = [
        unit
        for row in numbered.values()
        if "parent" not in row.model_fields_set and (unit := existing.get(row.code))
    ]
    parents = await queries.units_by_ids(session, {unit.parent_id for unit in keeping})
    existing.update({parent.code: parent for parent in parents.values()})
    completed = {}
    for number, row in numbered.items():
        stored: dict[str, Any] = {}
        if unit := existing.get(row.code):
            parent = parents.get(unit.parent_id)
            stored = {
                "stage": unit.stage,
                "residents": unit.residents,
                "parent": parent.code if parent else None,
            }
        absent = {name: one for name, one in stored.items() if name not in row.model_fields_set}
        completed[number] = row.model_copy(update=absent)
    return completed


def _row_number(error: FieldError) -> int:
    return int(error.pointer.split("/")[2])


def _error(number: int, column: str, code: str, message: str) -> FieldError:
    return FieldError(f"/rows/{number}/{column}", code, message)


def _validated(
    rows: Iterable[tuple[int, dict[str, Any]]],
) -> tuple[dict[int, UnitRow], list[FieldError], set[str]]:
    """Good rows by number, the errors of the others, and the codes that those others name."""
    good: dict[int, UnitRow] = {}
    errors: list[FieldError] = []
    bad_codes: set[str] = set()
    seen: dict[str, dict[str | None, tuple[int, UnitRow]]] = {}
    for number, cells in rows:
        try:
            row = UnitRow.model_validate(_with_numbers(cells))
        except ValidationError as invalid:
            errors.append(_first_error(number, cells, invalid))
            bad_codes.add(str(cells.get("code")))
            continue
        of_unit = seen.setdefault(row.code, {})
        error = _contradiction(number, row, of_unit)
        of_unit.setdefault(row.period, (number, row))
        if error is not None:
            errors.append(error)
            continue
        good[number] = row
    return good, errors, bad_codes


def _with_numbers(cells: dict[str, Any]) -> dict[str, Any]:
    numbers = {
        name: int(cells[name])
        for name in NUMBERS
        if isinstance(cells.get(name), str) and _NUMBER.fullmatch(cells[name])
    }
    return {**cells, **numbers}


def _first_error(number: int, cells: dict[str, Any], invalid: ValidationError) -> FieldError:
    first = invalid.errors()[0]
    if first["loc"]:
        column = str(first["loc"][0])
    else:
        column = next(name for name, cell in cells.items() if not storable(str(cell)))
    if column == BEYOND_HEADER:
        message = "This row goes on to the right of the columns that the first row names."
        return _error(number, column, "too_many_cells", message)
    if first["input"] is UNCALCULATED:
        message = "This formula has no stored result: paste its value instead."
        return _error(number, column, "formula", message)
    return _error(number, column, first["type"], first["msg"])


def _contradiction(
    number: int, row: UnitRow, of_unit: dict[str | None, tuple[int, UnitRow]]
) -> FieldError | None:
    """What is wrong with a row in view of those of the same unit that stand before it."""
    if row.period in of_unit:
        message = f"The same unit and period stand in row {of_unit[row.period][0]} already."
        return _error(number, "code", "duplicate", message)
    if row.period is None and any(getattr(row, name) is not None for name in _ENROLMENT_FIELDS):
        message = "Enrolment needs a period such as 2026-autumn."
        return _error(number, "period", "missing", message)
    if of_unit:
        first, other = next(iter(of_unit.values()))
        for name in ("parent", *_UNIT_FIELDS):
            if getattr(row, name) != getattr(other, name):
                message = f"Row {first} says otherwise about the same unit."
                return _error(number, name, "contradiction", message)
    return None


def _misplaced(
    numbered: dict[int, UnitRow],
    existing: dict[str, Unit],
    in_view: set[int] | None,
    bad_codes: set[str],
) -> list[FieldError]:
    kinds = {code: unit.kind for code, unit in existing.items()}
    kinds.update({row.code: row.kind for row in numbered.values()})
    made_here = {row.code for row in numbered.values() if row.code not in existing}
    errors = []
    for number, row in numbered.items():
        unit = existing.get(row.code)
        parent = existing.get(row.parent) if row.parent else None
        keeps_parent = unit is not None and unit.parent_id == (parent.id if parent else None)
        if unit is not None and in_view is not None and unit.id not in in_view:
            errors.append(_error(number, "code", "not_yours", "This code is not free for you."))
        elif row.parent is None:
            if in_view is not None and not keeps_parent:
                message = "Name the parent: a unit without one needs a client that sees all."
                errors.append(_error(number, "parent", "missing", message))
        elif row.parent in bad_codes:
            pass  # its own row has the error
        elif row.parent not in made_here and (
            parent is None
            or (in_view is not None and parent.id not in in_view and not keeps_parent)
        ):
            message = "This parent is neither in the file nor known to you."
            errors.append(_error(number, "parent", "unknown", message))
        elif not above(kinds[row.parent], row.kind):
            message = f"A {row.kind} cannot stand below a {kinds[row.parent]}."
            errors.append(_error(number, "kind", "wrong_level", message))
    return errors


async def _orphaned_kinds(
    session: AsyncSession, numbered: dict[int, UnitRow], existing: dict[str, Unit]
) -> list[FieldError]:
    in_file = {row.code for row in numbered.values()}
    errors = []
    for number, row in numbered.items():
        unit = existing.get(row.code)
        if unit is None or unit.kind == row.kind:
            continue
        for code, kind in await queries.children(session, unit.id):
            if code not in in_file and not above(row.kind, kind):
                message = f"There is a {kind} below this unit."
                errors.append(_error(number, "kind", "wrong_level", message))
                break
    return errors


async def _apply(
    session: AsyncSession, rows: list[UnitRow], existing: dict[str, Unit]
) -> ImportOut:
    before = {
        code: (unit.parent_id, *(getattr(unit, name) for name in _UNIT_FIELDS))
        for code, unit in existing.items()
    }
    ids = {code: unit.id for code, unit in existing.items()}
    by_code = {row.code: row for row in rows}
    moved: list[str] = []
    touched: set[str] = set()
    for kind in KINDS:  # from the top down, so that parents have their ids
        values = []
        for row in (row for row in by_code.values() if row.kind == kind):
            parent_id = ids[row.parent] if row.parent else None
            now = (parent_id, *(getattr(row, name) for name in _UNIT_FIELDS))
            was = before.get(row.code)
            if was == now:
                continue
            touched.add(row.code)
            if was is None or was[0] != parent_id:
                moved.append(row.code)
            fields = {name: getattr(row, name) for name in _UNIT_FIELDS}
            values.append({"code": row.code, "parent_id": parent_id, **fields})
        if values:
            await queries.upsert_units(session, values)
            ids |= await queries.ids_by_codes(session, [value["code"] for value in values])
    if moved:
        await queries.rebuild_ancestors(session, [ids[code] for code in moved])
    touched |= await _apply_enrolment(session, rows, ids)
    created = sum(code not in before for code in by_code)
    updated = sum(code in before for code in touched)
    return ImportOut(created=created, updated=updated, unchanged=len(by_code) - created - updated)


async def _apply_enrolment(
    session: AsyncSession, rows: list[UnitRow], ids: dict[str, int]
) -> set[str]:
    with_period = [row for row in rows if row.period]
    if not with_period:
        return set()
    known = {
        (one.unit_id, one.period): {name: getattr(one, name) for name in _ENROLMENT_FIELDS}
        for one in await queries.enrolments_of(session, [ids[row.code] for row in with_period])
    }
    changed = {}
    for row in with_period:
        key = ids[row.code], str(row.period)
        said = row.model_fields_set.intersection(_ENROLMENT_FIELDS)
        nothing = dict.fromkeys(_ENROLMENT_FIELDS)
        heads = known.get(key, nothing) | {name: getattr(row, name) for name in said}
        if key not in known or known[key] != heads:
            changed[row.code, row.period] = {"unit_id": key[0], "period": row.period, **heads}
    if changed:
        await queries.upsert_enrolments(session, list(changed.values()))
    return {code for code, _ in changed}
