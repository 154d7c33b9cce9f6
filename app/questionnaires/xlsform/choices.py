"""The sheet choices: lists of options, which questions share or have for themselves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.questionnaires.texts import MAX_OPTIONS
from app.questionnaires.xlsform.report import Findings
from app.questionnaires.xlsform.sheets import Row
from app.questionnaires.xlsform.texts import Texts

Json = dict[str, Any]
_VALUE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OTHER = {"zh-CN": "其他", "en": "Other", "ug": "باشقا"}
_OTHER_LENGTH = 100
_COUNTED = ("positive", "negative", "excluded")


@dataclass
class ChoiceList:
    """One list."""

    scale: str = ""
    """The scale that it was written from, or blank."""
    options: list[Json] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    """Where each option stands."""

    def values(self) -> tuple[str, ...]:
        """What may be chosen."""
        return tuple(str(one["value"]) for one in self.options)


def read_choices(rows: Sequence[Row], texts: Texts, findings: Findings) -> dict[str, ChoiceList]:
    """The lists by their names, in the order of the sheet."""
    lists: dict[str, ChoiceList] = {}
    for row in rows:
        name = row.take("list name")
        if not name:
            message = "Name in list_name the list that this option belongs to."
            findings.refuse(row.place("list name"), "missing_list_name", message)
            continue
        found = lists.setdefault(name, ChoiceList())
        found.scale = row.take("xinsheng_scale") or found.scale
        option = _option(row, texts, findings)
        if option["value"] in found.values():
            message = "An earlier option of this list has this name already."
            findings.refuse(row.place("name"), "duplicate_name", message)
        elif len(found.options) == MAX_OPTIONS:
            message = f"A list has at most {MAX_OPTIONS} options."
            findings.refuse(row.place("name"), "too_many_options", message)
        else:
            found.options.append(option)
            found.rows.append(row)
    return lists


def with_other(options: Sequence[Json], default: str) -> list[Json]:
    """The options of a list, and the one that `or_other` adds: a text may go with it."""
    if any(one["value"] == "other" for one in options):
        return [
            {"text_length": _OTHER_LENGTH, **one} if one["value"] == "other" else one
            for one in options
        ]
    locales = {locale for one in options for locale in one["label"]}
    label = {one: _OTHER[one] for one in sorted(locales) if one in _OTHER}
    label.setdefault(default, _OTHER["en"])
    return [*options, {"value": "other", "label": label, "text_length": _OTHER_LENGTH}]


def is_yes(row: Row, column: str, findings: Findings) -> bool:
    """Whether a column says yes; what is neither yes nor no is reported and taken for no."""
    from pyxform.aliases import yes_no

    said = row.take(column)
    if said and said not in yes_no:
        message = "Only yes and no are understood here: it was taken for no."
        findings.leave(row.place(column), message)
    return bool(said and yes_no.get(said, False))


def _option(row: Row, texts: Texts, findings: Findings) -> Json:
    value = row.take("name")
    if not _VALUE.fullmatch(value):
        message = "Name the option with 1 to 64 letters, digits, dots, underscores and hyphens."
        findings.refuse(row.place("name"), "invalid_name", message)
    label = texts.take(row, "label")
    if not label:
        findings.leave(row.place("label"), "Without a label, the option is shown by its name.")
        label = {texts.default: value or "-"}
    option: Json = {"value": value, "label": label}
    if counts_as := row.take("xinsheng_counts_as"):
        if counts_as not in _COUNTED:
            message = f"Write one of {', '.join(_COUNTED)}."
            findings.refuse(row.place("xinsheng_counts_as"), "invalid_value", message)
        option["counts_as"] = counts_as
    if is_yes(row, "xinsheng_exclusive", findings):
        option["exclusive"] = True
    if length := row.take("xinsheng_text_length"):
        if length.isascii() and length.isdigit() and len(length) < 5:
            option["text_length"] = int(length)
        else:
            message = "Write how many characters the text may have, from 1 to 500."
            findings.refuse(row.place("xinsheng_text_length"), "invalid_value", message)
    return option
