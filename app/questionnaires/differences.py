"""What is not the same in two versions of a questionnaire, question by question."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.core.schemas import Reply
from app.questionnaires.answerable import options_of
from app.questionnaires.comparing import Reason, comparable
from app.questionnaires.layout import layout_of
from app.questionnaires.publishing import refusals
from app.questionnaires.schemas import (
    Definition,
    Matrix,
    MultipleChoice,
    Option,
    Question,
    Row,
    SingleChoice,
    VersionNumber,
)

Kind = Literal["added", "removed", "changed", "same"]
_APART = {"code", "scale", "options", "rows"}
"""Of a question: what is not compared as it stands, but by what it comes to."""


class Change(Reply):
    """Something that is not what it was."""

    field: str = Field(
        description="A field of the questionnaire or question, or of an option or row: "
        "`options/other/text_length`, `rows/canteen/label`.",
        examples=["required"],
    )
    before: Any = Field(description="What it was; null: it was left out.", examples=[False])
    after: Any = Field(description="What it is; null: it is left out.", examples=[True])


class OptionsDiff(Reply):
    """What is not the same among the options of a question."""

    added: list[str] = Field(description="Values of options that are new.", examples=[["neutral"]])
    removed: list[str] = Field(description="Values of options that are gone.")
    moved: bool = Field(description="Whether those of both stand in another order.")
    relabelled: list[str] = Field(description="Values whose label is another; see `changes`.")
    counts_as: list[str] = Field(description="Values that count as something else; see `changes`.")


class QuestionDiff(Reply):
    """How a question stands in both versions."""

    code: str = Field(description="The question's code.", examples=["overall"])
    kind: Kind = Field(description="What became of it; `same`: at most its place is another.")
    moved: bool = Field(description="Whether it stands elsewhere among the questions of both.")
    changes: list[Change] = Field(description="What is not what it was.")
    options: OptionsDiff | None = Field(description="Null where its options are the same, or none.")
    comparable: bool | None = Field(
        description="Whether answers before and after can be set side by side; null for what is "
        "in one version alone or takes no answers, or where the draft is not sound yet. New "
        "wording is not judged: read it."
    )
    reasons: list[Reason] = Field(
        description="Why they cannot: what is not the same.", examples=[["options"]]
    )


class DiffOut(Reply):
    """What is not the same in two versions."""

    from_: VersionNumber = Field(alias="from", description="The version before.")
    to: VersionNumber | None = Field(description="The version after; null: the draft.")
    changes: list[Change] = Field(description="Of the questionnaire itself: title, consent, pages.")
    questions: list[QuestionDiff] = Field(
        description="All questions of either: in the order of the version after, then those that "
        "are gone."
    )


def diff(before: Definition, after: Definition) -> tuple[list[Change], list[QuestionDiff]]:
    """What is not the same: of the questionnaire itself, and of each question of either.

    A draft may ask two questions of one code: the last one is compared.
    """
    earlier = {one.code: one for one in before.questions}
    later = {one.code: one for one in after.questions}
    moved = _moved([code for code in earlier if code in later], list(later))
    judged = _judged(before, after)
    questions = [
        _question(before, after, earlier.get(code), one, moved=code in moved, judged=judged)
        for code, one in later.items()
    ]
    questions += [
        _question(before, after, one, None, moved=False, judged=judged)
        for code, one in earlier.items()
        if code not in later
    ]
    return _whole(before, after), questions


def _judged(before: Definition, after: Definition) -> Mapping[str, list[Reason]] | None:
    # A draft that cannot be published cannot be laid out either.
    if refusals(before) or refusals(after):
        return None
    return comparable(layout_of(before), layout_of(after))


def _whole(before: Definition, after: Definition) -> list[Change]:
    """Options that questions share are told with the questions."""
    apart = {"questions", "scales"}
    return list(_changes(_fields(before, apart), _fields(after, apart)))


def _question(
    before: Definition,
    after: Definition,
    earlier: Question | None,
    later: Question | None,
    *,
    moved: bool,
    judged: Mapping[str, list[Reason]] | None,
) -> QuestionDiff:
    code = (later or earlier).code  # type: ignore[union-attr]
    if earlier is None or later is None:
        kind: Kind = "removed" if later is None else "added"
        return QuestionDiff(
            code=code,
            kind=kind,
            moved=False,
            changes=[],
            options=None,
            comparable=None,
            reasons=[],
        )
    changes = list(_changes(_fields(earlier, _APART), _fields(later, _APART)))
    former, present = _options(before, earlier), _options(after, later)
    changes += _of_each("options", former, present)
    changes += _of_each("rows", _rows(earlier), _rows(later))
    options = _options_diff(former, present)
    found = None if judged is None else _reasons(judged, code)
    return QuestionDiff(
        code=code,
        kind="changed" if changes or options else "same",
        moved=moved,
        changes=changes,
        options=options,
        comparable=None if found is None else not found,
        reasons=found or [],
    )


def _reasons(judged: Mapping[str, list[Reason]], code: str) -> list[Reason] | None:
    """Of all that it asks: the rows of a matrix, the text beside an option."""
    parts = [each for part, each in judged.items() if part.partition(".")[0] == code]
    if not parts:
        return None
    return list(dict.fromkeys(reason for each in parts for reason in each))


def _fields(model: BaseModel, apart: set[str]) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude=apart)


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], below: str = ""
) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield Change(field=below + name, before=was, after=now)


def _options(definition: Definition, question: Question) -> dict[str, Option]:
    if not isinstance(question, SingleChoice | MultipleChoice | Matrix):
        return {}
    return {one.value: one for one in options_of(definition, question)}


def _rows(question: Question) -> dict[str, Row]:
    return {one.value: one for one in question.rows} if isinstance(question, Matrix) else {}


def _of_each(
    name: str, before: Mapping[str, Option | Row], after: Mapping[str, Option | Row]
) -> Iterator[Change]:
    """What is not the same of options or rows; a whole row that is new or gone too."""
    for value in dict.fromkeys([*before, *after]):
        was, now = before.get(value), after.get(value)
        if was is not None and now is not None:
            yield from _changes(_fields(was, set()), _fields(now, set()), below=f"{name}/{value}/")
        elif name == "rows":
            yield Change(
                field=f"rows/{value}",
                before=_fields(was, set()) if was else None,
                after=_fields(now, set()) if now else None,
            )


def _options_diff(before: Mapping[str, Option], after: Mapping[str, Option]) -> OptionsDiff | None:
    common = [value for value in after if value in before]
    found = OptionsDiff(
        added=[value for value in after if value not in before],
        removed=[value for value in before if value not in after],
        moved=common != [value for value in before if value in after],
        relabelled=[one for one in common if before[one].label != after[one].label],
        counts_as=[one for one in common if before[one].counts_as != after[one].counts_as],
    )
    return found if any(found.model_dump().values()) else None


def _moved(common: Sequence[str], after: Sequence[str]) -> set[str]:
    """Those that stand elsewhere: the fewest that, taken out, leave the others in one order."""
    place = {code: number for number, code in enumerate(after)}
    tails: list[int] = []
    chains: list[list[str]] = []
    for code in common:
        length = bisect_left(tails, place[code])
        chain = [*(chains[length - 1] if length else []), code]
        tails[length : length + 1] = [place[code]]
        chains[length : length + 1] = [chain]
    return set(common).difference(chains[-1] if chains else [])
