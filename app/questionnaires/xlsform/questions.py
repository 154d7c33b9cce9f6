"""Rows of the sheet survey as questions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.questionnaires.xlsform.choices import ChoiceList, is_yes, with_other
from app.questionnaires.xlsform.constraints import limits_of
from app.questionnaires.xlsform.expressions import Broken, NotUnderstood
from app.questionnaires.xlsform.report import Findings
from app.questionnaires.xlsform.sheets import Row
from app.questionnaires.xlsform.texts import Texts
from app.questionnaires.xlsform.tree import Kind, kind_of

Json = dict[str, Any]
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}(\.0+)?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")
_ADVICE = {
    "select_one_from_file": "Write the choices on the sheet choices, and use select_one.",
    "select_multiple_from_file": "Write the choices on the sheet choices, and use select_multiple.",
    "select_one_external": "Write the choices on the sheet choices, and use select_one.",
    "rank": "Ask for the most important ones by select_multiple, or for each in a table-list.",
    "calculate": "Nothing is calculated: results count what people answered.",
    "hidden": "Nothing is asked that nobody sees.",
    "acknowledge": "Use select_one with a list of one option.",
    "trigger": "Use select_one with a list of one option.",
    "percentage": "Use integer with the constraint `. >= 0 and . <= 100`.",
    "phone number": "Use text.",
    "time": "Use text, or select_one with a list of times.",
    "datetime": "Use date.",
    "photo": "Files and places are not asked for: use text, or leave it out.",
    "metadata": "Times, devices and persons are not recorded here: leave it out.",
}


@dataclass
class Asked:
    """A question in the making."""

    json: Json
    row: Row
    list_name: str = ""
    options: list[Json] | None = None
    """Its own, where they are not the list's any more."""
    parts: list[Row] = field(default_factory=list)
    """The rows of a matrix."""
    conditions: list[Row] = field(default_factory=list)
    """The rows whose `relevant` must hold: those of groups around it, and its own."""
    kind: str = ""
    """As a condition compares it: its type, or `whole`."""


@dataclass
class Context:
    """What all rows are read with."""

    choices: Mapping[str, ChoiceList]
    texts: Texts
    findings: Findings

    def question(self, row: Row) -> Asked | None:
        """The question of a row; None where it is left out, which is reported then."""
        kind = kind_of(row)
        if kind.word in ("select_one", "select_multiple"):
            return self._choice(row, kind)
        simple = _simple(kind.word)
        if simple is None:
            self._leave_out(row, kind.word)
            return None
        if simple == "range":
            return self._range(row)
        asked = self._begun(row, {"whole": "number"}.get(simple, simple), simple)
        if simple == "whole":
            asked.json["whole"] = True
        if simple in ("whole", "number") and (measure := self._texts(row, "xinsheng_measure")):
            asked.json["measure"] = measure
        if simple != "note":
            asked.json.update(self._limits(row, simple))
        return asked

    def code(self, row: Row) -> str:
        """What a row is named, which may be written exactly beside it."""
        name, exact = row.take("name"), row.take("xinsheng_code")
        if not name and kind_of(row).word == "note":
            name = f"note_{row.number}"  # as pyxform does: nobody refers to notes
        code = exact or name
        if not _CODE.fullmatch(code):
            place = row.place("xinsheng_code" if exact else "name")
            message = "Name it with 1 to 64 letters from a to z, digits, underscores and hyphens."
            self.findings.refuse(place, "invalid_name", message)
        return code

    def heading(self, row: Row) -> Json:
        """Code, label and hint of a row."""
        code = self.code(row)
        heading: Json = {"code": code, "label": self._texts(row, "label")}
        if not heading["label"]:
            message = "Without a label, the question is asked by its name: write a label."
            self.findings.leave(row.place("label"), message)
            heading["label"] = {self.texts.default: code or "-"}
        if hint := self._texts(row, "hint"):
            heading["hint"] = hint
        return heading

    def is_list(self, row: Row, name: str) -> bool:
        """Whether there is such a list; where not, the file is refused."""
        if name not in self.choices:
            message = "Name a list of the sheet choices behind the type: this is none."
            self.findings.refuse(row.place("type"), "unknown_list", message)
        return name in self.choices

    def _texts(self, row: Row, name: str) -> dict[str, str]:
        return self.texts.take(row, name)

    def _begun(self, row: Row, of_type: str, kind: str) -> Asked:
        json = self.heading(row) | {"type": of_type}
        if is_yes(row, "bind::required", self.findings):
            json["required"] = True
        return Asked(json, row, conditions=[row], kind=kind)

    def _choice(self, row: Row, kind: Kind) -> Asked | None:
        single = kind.word == "select_one"
        of_type = "single_choice" if single else "multiple_choice"
        asked = self._begun(row, of_type, of_type)
        if not self.is_list(row, kind.of):
            return None
        asked.list_name = kind.of
        options = self.choices[kind.of].options
        limits = self._limits(row, of_type)
        alone = limits.pop("exclusive", [])
        changed = [{**one, "exclusive": True} if one["value"] in alone else one for one in options]
        if kind.or_other:
            changed = with_other(changed, self.texts.default)
        asked.options = changed if changed != options else None
        asked.json.update(limits)
        if self._parameters(row).pop("randomize", "") == "true":
            asked.json["random_order"] = True
        if single:
            if is_yes(row, "xinsheng_indicator", self.findings):
                asked.json["indicator"] = True
            if row.cells.get("control::appearance", "").split() == ["likert"]:
                row.take("control::appearance")
        return asked

    def _range(self, row: Row) -> Asked:
        parameters = {"start": "1", "end": "10", "step": "1", **self._parameters(row)}
        asked = self._begun(row, "rating", "rating")
        start, end, step = (parameters[name] for name in ("start", "end", "step"))
        if not all(_NUMBER.fullmatch(one) for one in (start, end, step)):
            message = "Write numbers, as in `start=0 end=10 step=1`."
            self.findings.refuse(row.place("parameters"), "invalid_value", message)
            return asked
        whole = all(_WHOLE.fullmatch(one) for one in (start, end, step))
        if whole and float(step) == 1 and max(abs(float(one)) for one in (start, end)) <= 100:
            asked.json |= {"min": int(float(start)), "max": int(float(end))}
            return asked
        message = "Ratings go by steps of 1 from -100 to 100: it is asked for as a number."
        self.findings.leave(row.place("parameters"), message)
        asked.json |= {"type": "number", "min": float(start), "max": float(end)}
        asked.kind = "number"
        if whole:
            asked.json["whole"], asked.kind = True, "whole"
        return asked

    def _parameters(self, row: Row) -> dict[str, str]:
        from pyxform.errors import PyXFormError
        from pyxform.parsing.parameters import parse

        known = {"randomize"} if kind_of(row).of else {"start", "end", "step"}
        try:
            parameters = parse(row.take("parameters"), row.number)
        except PyXFormError:
            message = "Write parameters as `name=value`, with blanks between them."
            self.findings.refuse(row.place("parameters"), "invalid_value", message)
            return {}
        if set(parameters) - known:
            message = f"Only these are understood here: {', '.join(sorted(known))}."
            self.findings.leave(row.place("parameters"), message)
        return {name: value for name, value in parameters.items() if name in known}

    def _limits(self, row: Row, kind: str) -> Json:
        constraint = row.take("bind::constraint")
        if not constraint:
            return {}
        place = row.place("bind::constraint")
        try:
            return limits_of(constraint, kind)
        except Broken as error:
            self.findings.refuse(place, "bad_expression", str(error))
        except NotUnderstood as error:
            message = f"This asks for {error}, which is not understood: no limit was taken. "
            self.findings.leave(place, message + _LIMITS.get(kind, _NO_LIMITS))
        return {}

    def _leave_out(self, row: Row, word: str) -> None:
        from pyxform.question_type_dictionary import QUESTION_TYPE_DICT

        known = word in QUESTION_TYPE_DICT or word in _ADVICE
        if not word:
            message = "A row without a type is left out: give it one."
        elif not known:
            message = "XLSForm has no such type: use one of select_one, select_multiple, integer, "
            message += "decimal, range, text, date, note, begin_group."
            self.findings.refuse(row.place("type"), "unknown_type", message)
            return
        else:
            advice = _ADVICE.get(word) or _ADVICE[_family(word)]
            message = f"Questions of this type are left out. {advice}"
        row.taken.update(row.cells)
        self.findings.leave(row.place("type"), message)


_NO_LIMITS = "Leave it out."
_LIMITS = {
    "whole": "Write, say, `. >= 0 and . <= 120`.",
    "number": "Write, say, `. >= 0 and . <= 9.5`.",
    "date": "Write, say, `. >= date('2026-09-01')`.",
    "text": "Write, say, `string-length(.) <= 200`.",
    "multiple_choice": "Write, say, `count-selected(.) <= 3`.",
}


def _simple(word: str) -> str | None:
    """What a type without a list asks for; None where nothing here asks for it."""
    from pyxform.question_type_dictionary import QUESTION_TYPE_DICT

    declared = QUESTION_TYPE_DICT.get(word, {})
    tag, bind = declared.get("control", {}).get("tag"), declared.get("bind", {})
    if tag == "range":
        return "range"
    if tag != "input" or "constraint" in bind:
        return None
    if "readonly" in bind:
        return "note"
    kinds = {"int": "whole", "decimal": "number", "string": "text", "date": "date"}
    return kinds.get(str(bind.get("type")))


def _family(word: str) -> str:
    """The advice for types of which there are many."""
    from pyxform.question_type_dictionary import QUESTION_TYPE_DICT

    declared = QUESTION_TYPE_DICT.get(word, {})
    kind = str(declared.get("bind", {}).get("type", "")).lower()
    if "control" not in declared:
        return "calculate" if "calc" in word else "metadata"
    return kind if kind in _ADVICE else "photo"
