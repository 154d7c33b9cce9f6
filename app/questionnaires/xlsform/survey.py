"""The sheet survey as a whole: groups made pages and matrices, rows made questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.questionnaires.xlsform.choices import is_yes
from app.questionnaires.xlsform.questions import Asked, Context
from app.questionnaires.xlsform.sheets import Row
from app.questionnaires.xlsform.tree import Group, kind_of, rows_in

Json = dict[str, Any]
_APPEARANCE = "control::appearance"


@dataclass
class Survey:
    """What the sheet became."""

    context: Context
    questions: list[Asked] = field(default_factory=list)
    pages: dict[str, Json] = field(default_factory=dict)
    page_rows: dict[str, Row] = field(default_factory=dict)

    def add_all(
        self, children: Sequence[Group | Row], page: str | None, conditions: Sequence[Row]
    ) -> None:
        """Add what stands in a group, in order, with the conditions of all groups around it."""
        for child in children:
            if isinstance(child, Row):
                self._add(self._question(child), page, conditions)
            elif rows := _matrix_rows(child):
                self._add(self._matrix(child, rows), page, conditions)
            else:
                self._add_group(child, page, conditions)

    def _question(self, row: Row) -> Asked | None:
        disabled = row.cells.get("disabled")
        if disabled is not None and is_yes(row, "disabled", self.context.findings):
            row.taken.update(row.cells)
            self.context.findings.leave(row.place("disabled"), "Left out, as it is disabled.")
            return None
        return self.context.question(row)

    def _add(self, asked: Asked | None, page: str | None, conditions: Sequence[Row]) -> None:
        if asked is None:
            return
        asked.conditions[:0] = conditions
        if page is not None:
            asked.json["page"] = page
        self.questions.append(asked)

    def _add_group(self, group: Group, page: str | None, conditions: Sequence[Row]) -> None:
        row, findings = group.row, self.context.findings
        if group.kind != "group":
            message = "Nothing is repeated here: what stands in it is asked once."
            findings.leave(row.place("type"), message)
        looks = row.cells.get(_APPEARANCE, "").split()
        if looks == ["field-list"]:
            row.take(_APPEARANCE)
        elif "table-list" in looks:
            row.take(_APPEARANCE)
            message = "A table is made of select_one questions of one list and nothing else: "
            findings.leave(row.place(_APPEARANCE), message + "these are asked one by one.")
        outermost, before = page is None, len(self.questions)
        if page is None:
            page = self._page(row)
        else:
            row.take("name")
            row.take("type")
            label = next((one for one in row.cells if one.partition("::")[0] == "label"), "type")
            row.taken.update(one for one in row.cells if one.partition("::")[0] == "label")
            message = "A page holds no groups: these questions stand on the page of the group "
            message += "around it, and this one's label is left out. A note can say it."
            findings.leave(row.place(label), message)
        self.add_all(group.children, page, [*conditions, row])
        if outermost and len(self.questions) == before:
            self.pages.pop(page, None)
            row.taken.update(row.cells)
            findings.leave(row.place("type"), "No question stands in this group: it is left out.")

    def _page(self, row: Row) -> str:
        code = self.context.code(row)
        if code in self.page_rows:
            message = "Another page has this name already: every page needs one of its own."
            self.context.findings.refuse(row.place("name"), "duplicate_name", message)
        self.page_rows[code] = row
        texts = self.context.texts
        if title := texts.take(row, "label"):
            self.pages[code] = {"title": title}
            if intro := texts.take(row, "hint"):
                self.pages[code]["intro"] = intro
        return code

    def _matrix(self, group: Group, rows: Sequence[Row]) -> Asked | None:
        row, findings = group.row, self.context.findings
        header = _header(group)
        if header is not None:
            header.taken |= {"name", "type", _APPEARANCE, "bind::required"}
            if not any(one.partition("::")[0] == "label" for one in row.cells):
                row.cells |= {k: v for k, v in header.cells.items() if k.startswith("label")}
                header.taken |= {one for one in header.cells if one.startswith("label")}
        json = self.context.heading(row) | {"type": "matrix", "rows": []}
        asked = Asked(json, row, conditions=[row], kind="matrix", parts=list(rows))
        asked.list_name = kind_of(rows[0]).of
        for one in (row, *rows):
            if one.cells.get(_APPEARANCE) in ("table-list", "list-nolabel", "field-list"):
                one.take(_APPEARANCE)
        if not self.context.is_list(rows[0], asked.list_name):
            return None
        required = [is_yes(one, "bind::required", findings) for one in rows]
        if all(required):
            json["required"] = True
        for one, needed in zip(rows, required, strict=True):
            if needed and not all(required):
                message = "A table is required in all its rows or in none: it is not."
                findings.leave(one.place("bind::required"), message)
            heading = self.context.heading(one)
            json["rows"].append({"value": heading["code"], "label": heading["label"]})
            if "hint" in heading:
                findings.leave(one.place("hint"), "The rows of a table have no hints.")
        if is_yes(row, "xinsheng_indicator", findings):
            json["indicator"] = True
        return asked


def _header(group: Group) -> Row | None:
    """The question that only shows the labels above a table, as old forms have it."""
    first = group.children[0]
    if isinstance(first, Row) and first.cells.get(_APPEARANCE, "").split() == ["label"]:
        return first
    return None


def _matrix_rows(group: Group) -> list[Row]:
    """The rows of a table; none where the group is something else."""
    rows = list(rows_in(group.children))
    if len(rows) != len(group.children) or not rows or group.kind != "group":
        return []
    kinds = [kind_of(row) for row in rows]
    one_list = {(kind.word, kind.of, kind.or_other) for kind in kinds}
    if len(one_list) > 1 or kinds[0].word != "select_one" or kinds[0].or_other:
        return []
    if "table-list" in group.row.cells.get(_APPEARANCE, "").split():
        return rows
    looks = [row.cells.get(_APPEARANCE, "").split() for row in rows]
    if looks[0] == ["label"] and looks[1:] and all(one == ["list-nolabel"] for one in looks[1:]):
        return rows[1:]
    return []
