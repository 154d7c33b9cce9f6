"""An XLSForm made a draft, with a report of all that it has no place for."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from app.questionnaires.problems import XlsformRefused
from app.questionnaires.schemas import QuestionnaireIn
from app.questionnaires.visibility import Condition, shallow
from app.questionnaires.xlsform.choices import ChoiceList, read_choices
from app.questionnaires.xlsform.conditions import condition_of, relevant_of
from app.questionnaires.xlsform.expressions import Broken, NotUnderstood, references
from app.questionnaires.xlsform.leftovers import report_leftovers
from app.questionnaires.xlsform.names import Known, Names
from app.questionnaires.xlsform.questions import Asked, Context
from app.questionnaires.xlsform.report import MAX_LISTED, Findings, Place, Report
from app.questionnaires.xlsform.sheets import Row, read_sheets
from app.questionnaires.xlsform.survey import Survey
from app.questionnaires.xlsform.texts import Texts
from app.questionnaires.xlsform.tree import groups_of

Json = dict[str, Any]
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
_RELEVANT, _EXACTLY = "bind::relevant", "xinsheng_visible_if"
_COLUMNS = {
    "code": "name",
    "visible_if": _RELEVANT,
    "min": "bind::constraint",
    "max": "bind::constraint",
    "max_length": "bind::constraint",
    "max_selected": "bind::constraint",
    "measure": "xinsheng_measure",
}
"""The column that a field is read from, where they are not called alike."""


class Taken(NamedTuple):
    """A draft made of an XLSForm."""

    draft: QuestionnaireIn
    report: Report


def draft_of(file: bytes, code: str) -> Taken:
    """The draft that an XLSForm makes of the questionnaire with this code, and what it leaves out.

    Takes seconds for the largest files, and half a second more the first time.
    Errors: XlsformRefused, with one error a place.
    """
    findings = Findings()
    sheets = read_sheets(file, findings)
    texts = Texts(sheets, findings)
    choices = read_choices(sheets["choices"], texts, findings)
    tree = groups_of(sheets["survey"], findings)
    _refuse_if_any(findings)
    survey = Survey(Context(choices, texts, findings))
    survey.add_all(tree, None, [])
    _refuse_duplicates(survey.questions, findings)
    _Conditions(survey.questions, choices, sheets["survey"], findings).set_all()
    made = _Made(_settings(sheets["settings"], texts, findings, code), texts.default)
    made.add(survey, choices, findings)
    draft = made.validated(findings)
    _refuse_if_any(findings)
    assert draft is not None
    report_leftovers([row for rows in sheets.values() for row in rows], findings)
    return Taken(draft, findings.report(len(draft.questions)))


def _refuse_if_any(findings: Findings) -> None:
    if findings.errors:
        raise XlsformRefused(errors=findings.errors[:MAX_LISTED])


def _refuse_duplicates(questions: Sequence[Asked], findings: Findings) -> None:
    seen: dict[str, int] = {}
    for asked in questions:
        code = asked.json["code"]
        if code in seen:
            message = f"Row {seen[code]} has this name already; here names are unique in the form."
            findings.refuse(asked.row.place("name"), "duplicate_name", message)
        seen.setdefault(code, asked.row.number)


def _settings(rows: Sequence[Row], texts: Texts, findings: Findings, code: str) -> Json:
    """The texts of the whole questionnaire."""
    for further in rows[1:]:
        message = "Only the first row below the headers is read."
        findings.leave(further.place(next(iter(further.cells))), message)
        further.taken.update(further.cells)
    row = rows[0] if rows else Row("settings", 1, {}, {})
    found: Json = {}
    title = texts.take(row, "xinsheng_title")
    if plain := row.take("title"):
        title[texts.default] = plain
    if not title:
        message = "Without a form_title, the questionnaire's code is its title."
        findings.leave(row.place("title"), message)
        title = {texts.default: code}
    found["title"] = title
    for name in ("intro", "consent", "thanks"):
        if text := texts.take(row, f"xinsheng_{name}"):
            found[name] = text
    # The address names the questionnaire, and publishing numbers its versions.
    row.take("id_string")
    row.take("version")
    return found


@dataclass
class _Conditions:
    """Sets `visible_if` of all questions, once all are known."""

    questions: Sequence[Asked]
    choices: Mapping[str, ChoiceList]
    rows: Sequence[Row]
    findings: Findings
    names: Names = field(default_factory=Names)
    _read: dict[int, Json | None] = field(default_factory=dict)

    def set_all(self) -> None:
        """Read the conditions of each question and of the groups around it."""
        for asked in self.questions:
            for known in self._known(asked):
                self.names.add(known)
        written = {row.cells["name"] for row in self.rows if "name" in row.cells}
        for asked in self.questions:
            conditions = [self._condition(row, written) for row in asked.conditions]
            given = [one for one in conditions if one is not None]
            if given:
                asked.json["visible_if"] = given[0] if len(given) == 1 else {"all": given}

    def _known(self, asked: Asked) -> list[Known]:
        code, name = str(asked.json["code"]), asked.row.cells.get("name", "")
        values: tuple[str, ...] = ()
        if asked.list_name:
            options = asked.options or self.choices[asked.list_name].options
            values = tuple(str(one["value"]) for one in options)
        if asked.kind != "matrix":
            return [Known(code, name, asked.kind, values)]
        return [
            Known(f"{code}.{row['value']}", part.cells.get("name", ""), "single_choice", values)
            for row, part in zip(asked.json["rows"], asked.parts, strict=True)
        ]

    def _condition(self, row: Row, written: set[str]) -> Json | None:
        if row.number not in self._read:
            self._read[row.number] = self._exact(row) or self._relevant(row, written)
        return self._read[row.number]

    def _exact(self, row: Row) -> Json | None:
        """The condition that was written beside `relevant`, unless that was changed since."""
        said = row.take(_EXACTLY)
        if not said:
            return None
        try:
            condition: Json = shallow(json.loads(said))
            parsed = _CONDITION.validate_python(condition)
        except (ValueError, RecursionError):
            message = "This is no condition: leave it out and write relevant."
            self.findings.refuse(row.place(_EXACTLY), "invalid_value", message)
            return None
        if row.cells.get(_RELEVANT, "") != relevant_of(parsed, self.names):
            message = "relevant says something else, and counts."
            self.findings.leave(row.place(_EXACTLY), message)
            return None
        row.take(_RELEVANT)
        return condition

    def _relevant(self, row: Row, written: set[str]) -> Json | None:
        relevant = row.take(_RELEVANT)
        if not relevant:
            return None
        place = row.place(_RELEVANT)
        if any(name not in written for name in references(relevant)):
            message = "It refers to a name that no row of this sheet has."
            self.findings.refuse(place, "unknown_name", message)
            return None
        try:
            return condition_of(relevant, self.names)
        except Broken as error:
            self.findings.refuse(place, "bad_expression", str(error))
        except NotUnderstood as error:
            message = f"This asks for {error}, which is not understood: the question is asked of "
            message += "everybody. Compare answers with values, as in `${q} = 'a'`, `${n} >= 5`, "
            self.findings.leave(place, message + "`selected(${q}, 'a')`, joined by and, or, not.")
        return None


@dataclass
class _Made:
    """The draft in the making, and the row that each part of it was read from."""

    draft: Json
    default: str
    _rows: dict[tuple[str | int, ...], Row] = field(default_factory=dict)

    def add(self, survey: Survey, choices: Mapping[str, ChoiceList], findings: Findings) -> None:
        """Add pages, scales and questions."""
        self.draft |= {"default_locale": self.default, "pages": survey.pages, "questions": []}
        for code, row in survey.page_rows.items():
            self._rows["pages", code] = row
        scales = self._scales(survey.questions, choices, findings)
        for number, asked in enumerate(survey.questions):
            self._rows["questions", number] = asked.row
            for part, row in enumerate(asked.parts):
                self._rows["questions", number, "rows", part] = row
            if asked.list_name in scales and asked.options is None:
                asked.json["scale"] = scales[asked.list_name]
            elif asked.list_name:
                found = choices[asked.list_name]
                asked.json["options"] = asked.options or found.options
                for option, row in enumerate(found.rows):
                    self._rows["questions", number, "options", option] = row
            self.draft["questions"].append(asked.json)

    def _scales(
        self, questions: Sequence[Asked], choices: Mapping[str, ChoiceList], findings: Findings
    ) -> dict[str, str]:
        """The lists that become scales, as several questions share them or one was their source."""
        uses = Counter(one.list_name for one in questions if one.options is None)
        changed = {one.list_name for one in questions if one.options is not None}
        scales = {}
        self.draft["scales"] = {}
        for name, found in choices.items():
            if found.scale or uses[name] > 1:
                scale = scales[name] = found.scale or name
                self.draft["scales"][scale] = found.options
                for option, row in enumerate(found.rows):
                    self._rows["scales", scale, option] = row
                self._rows["scales", scale] = found.rows[0]
            elif name not in uses and name not in changed and found.rows:
                place = found.rows[0].place("list name")
                findings.leave(place, "No question uses this list: it is left out.")
        return scales

    def validated(self, findings: Findings) -> QuestionnaireIn | None:
        """The draft; None where it breaks the schema, which refuses the places it came from."""
        try:
            return QuestionnaireIn.model_validate(self.draft)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False, include_input=False):
                place = self._place(list(one["loc"]))
                if not findings.refused(place):
                    findings.refuse(place, one["type"], f"{one['msg'].rstrip('.')}.")
        return None

    def _place(self, path: list[str | int]) -> Place:
        if len(path) > 2 and path[0] == "questions":
            del path[2]  # the type, which tells the union's members apart
        for length in range(len(path), 1, -1):
            row = self._rows.get(tuple(path[:length]))
            if row is not None:
                return row.place(_column(row, path[length:]))
        sheet = "survey" if path[:1] in (["questions"], ["pages"]) else "settings"
        return Place(sheet, 1, "A", "")


def _column(row: Row, path: Sequence[str | int]) -> str:
    """The column of a row that a field of it was read from."""
    name = str(path[0]) if path else "type"
    column = _COLUMNS.get(name, name)
    for one in (column, f"xinsheng_{name}"):
        if one in row.cells:
            return one
        translated = [cell for cell in row.cells if cell.startswith(f"{one}::")]
        if translated:
            return translated[0]
    return column if column in ("name", "label") else next(iter(row.cells))
