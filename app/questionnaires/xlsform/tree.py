"""The sheet survey as groups within groups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.questionnaires.xlsform.report import Findings
from app.questionnaires.xlsform.sheets import Row

_MAX_DEPTH = 20


class Kind(NamedTuple):
    """What the column type of a row says."""

    word: str
    """`begin`, `end`, `select_one`, `select_multiple`, or the whole text of another type."""
    of: str = ""
    """The list that is chosen from; of begin and end: `group`, `repeat` or `loop`."""
    or_other: bool = False


@dataclass
class Group:
    """A group with what stands in it."""

    row: Row
    kind: str
    children: list["Group | Row"] = field(default_factory=list)


def kind_of(row: Row) -> Kind:
    """What the row's type says, whatever it is called in old forms."""
    from pyxform import aliases
    from pyxform.xls2json import RE_BEGIN_CONTROL, RE_END_CONTROL, RE_SELECT

    first, _, rest = " ".join(row.take("type").split()).partition(" ")
    said = f"{first.lower()} {rest}".strip()
    for word, pattern in (("begin", RE_BEGIN_CONTROL), ("end", RE_END_CONTROL)):
        if found := pattern.search(said):
            return Kind(word, aliases.control[found["type"]])
    if found := RE_SELECT.search(said):
        command = found["select_command"]
        word = {"select one": "select_one", "select all that apply": "select_multiple"}.get(
            aliases.select[command], command
        )
        if command in aliases.select_from_file:
            word = command.replace(" ", "_")
        return Kind(word, found["list_name"], found["specify_other"] is not None)
    return Kind(said)


def groups_of(rows: Sequence[Row], findings: Findings) -> list[Group | Row]:
    """The rows as they stand in one another; ends without beginnings are refused."""
    outermost: list[Group | Row] = []
    stack: list[Group] = []
    for row in rows:
        kind = kind_of(row)
        inside = stack[-1].children if stack else outermost
        if kind.word == "begin":
            group = Group(row, kind.of)
            inside.append(group)
            stack.append(group)
            if len(stack) == _MAX_DEPTH + 1:
                message = f"Groups stand at most {_MAX_DEPTH} deep in one another."
                findings.refuse(row.place("type"), "too_deep", message)
        elif kind.word == "end":
            row.take("name")
            if not stack or stack[-1].kind != kind.of:
                message = f"No {kind.of} is open here that this could end."
                findings.refuse(row.place("type"), "unmatched_end", message)
            else:
                stack.pop()
        else:
            inside.append(row)
    for group in stack:
        message = f"This {group.kind} has no end: add a row `end_{group.kind}`."
        findings.refuse(group.row.place("type"), "unmatched_begin", message)
    return outermost


def rows_in(children: Sequence[Group | Row]) -> Iterator[Row]:
    """All rows but the ends of groups."""
    for child in children:
        if isinstance(child, Group):
            yield child.row
            yield from rows_in(child.children)
        else:
            yield child
