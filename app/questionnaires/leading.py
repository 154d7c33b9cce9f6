"""Which answers lead to a condition's being true: looked for among all that make a difference.

Two answers to a question are alike where every comparison says the same of both, so a few of each
question stand for all of them. Questions that others hide have no answer. The search is bounded:
where it is given up, nothing is claimed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import combinations, pairwise
from typing import Any

from app.questionnaires.answerable import Answerable, Answered, answerable, options_of
from app.questionnaires.conditions import Answers, comparisons, compiled
from app.questionnaires.layout import days_of, numbers_of, values_of
from app.questionnaires.schemas import (
    Date,
    Definition,
    MultipleChoice,
    Number,
    Rating,
    SingleChoice,
    TextQuestion,
)
from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not

_MOST_STEPS = 1000
"""Of one search."""
_MOST_STEPS_IN_ALL = 20_000
"""Of all searches in one definition: a fraction of a second."""
_MOST_SOURCES = 100
"""Questions that one search goes through, each within the one before."""
_MOST_SELECTIONS = 256
_LAST_DAY = date.max.toordinal()

_Judge = Callable[[Answers], bool | None]
"""What a condition comes to; None while questions that it asks about are undecided."""


class GivenUp(Exception):
    """There is more to try than is worth it."""


class Ways:
    """The ways through one definition, whose questions and conditions are sound by themselves."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._parts: dict[str, Answerable] = {}
        for part in answerable(definition):
            self._parts.setdefault(part.asked.code, part)
        self._order = {code: number for number, code in enumerate(self._parts)}
        self._hiding = {
            code: [one for each in part.conditions for one in comparisons(each)]
            for code, part in self._parts.items()
        }
        self._judges = {
            code: [_judge(one) for one in part.conditions] for code, part in self._parts.items()
        }
        # With the comparisons themselves, so that their ids stay theirs.
        self._tried: dict[tuple[str, frozenset[int]], tuple[list[Comparison], list[Any]]] = {}
        self._steps = _MOST_STEPS_IN_ALL

    def sources(self, *conditions: Condition) -> list[str]:
        """The questions that conditions depend on, through those that hide them too; in order."""
        found: set[str] = set()
        waiting = [one.question for each in conditions for one in comparisons(each)]
        while waiting:
            code = waiting.pop()
            if code in found or code not in self._parts:
                continue
            found.add(code)
            waiting += [one.question for one in self._hiding[code]]
        return sorted(found, key=self._order.__getitem__)

    def can_hold(self, *conditions: Condition, complete: bool = False) -> bool | None:
        """Whether some answers make all of these true; None where that was not found out."""
        try:
            return self.example(*conditions, complete=complete) is not None
        except GivenUp:
            return None

    def example(self, *conditions: Condition, complete: bool = False) -> Answers | None:
        """Answers to `sources` that make all of these true, if there are such.

        What they don't speak of makes no difference. `complete`: answers with which a
        questionnaire can be sent, all that is required among them; else also those of interviews
        that were broken off. Errors: GivenUp.
        """
        codes = self.sources(*conditions)
        if len(codes) > _MOST_SOURCES:
            raise GivenUp
        asked_about: dict[str, list[Comparison]] = {}
        for each in (
            *(comparisons(one) for one in conditions),
            *(self._hiding[code] for code in codes),
        ):
            for one in each:
                asked_about.setdefault(one.question, []).append(one)
        search = _Search(min(_MOST_STEPS, self._steps), _judge(AllOf(all=list(conditions))))
        for code in codes:
            asked = self._parts[code].asked
            nothing = [] if complete and asked.required else [None]
            choices = [*self._answers_to_try(asked, asked_about[code]), *nothing]
            search.ask(code, self._judges[code], choices)
        try:
            return search.found({})
        finally:
            self._steps -= search.steps

    def _answers_to_try(self, asked: Answered, about: list[Comparison]) -> list[Any]:
        key = asked.code, frozenset(map(id, about))
        if key not in self._tried:
            self._tried[key] = about, answers_to_try(self._definition, asked, about)
        return self._tried[key][1]


class _Search:
    def __init__(self, most: int, goal: _Judge) -> None:
        self._most = most
        self._goal = goal
        self._asked: list[tuple[str, list[_Judge], list[Any]]] = []
        self.steps = 0

    def ask(self, code: str, conditions: list[_Judge], choices: list[Any]) -> None:
        """The next question, what must hold for it to be asked, and the answers that are tried."""
        self._asked.append((code, conditions, choices))

    def found(self, answers: Answers, depth: int = 0) -> Answers | None:
        """The first answers, these among them, that reach the goal."""
        self.steps += 1
        if self.steps > self._most:
            raise GivenUp
        reached = self._goal(answers)
        if reached is not None:
            # What is still undecided makes no difference, and can always be answered somehow.
            return answers if reached else None
        code, conditions, choices = self._asked[depth]
        hidden = not all(judge(answers) for judge in conditions)
        for choice in [None] if hidden else choices:
            if further := self.found({**answers, code: choice}, depth + 1):
                return further
        return None


def _judge(condition: Condition) -> _Judge:
    match condition:
        case Comparison():
            test, code = compiled(condition), condition.question
            return lambda answers: test(answers) if code in answers else None
        case Not():
            judge = _judge(condition.not_)
            return lambda answers: None if (found := judge(answers)) is None else not found
        case AllOf():
            return _unless([_judge(one) for one in condition.all], False)
        case AnyOf():
            return _unless([_judge(one) for one in condition.any], True)


def _unless(judges: list[_Judge], decisive: bool) -> _Judge:
    """The opposite, unless one of them comes to what decides it."""

    def judge(answers: Answers) -> bool | None:
        undecided = False
        for one in judges:
            found = one(answers)
            if found is decisive:
                return decisive
            undecided = undecided or found is None
        return None if undecided else not decisive

    return judge


def answers_to_try(
    definition: Definition, asked: Answered, about: Sequence[Comparison]
) -> list[Any]:
    """Answers to a question, one of each kind that these comparisons tell apart.

    Errors: GivenUp where there are too many.
    """
    tests = [compiled(one) for one in about]
    kinds: dict[tuple[bool, ...], Any] = {}
    for answer in _candidates(definition, asked, about):
        kinds.setdefault(tuple(test({asked.code: answer}) for test in tests), answer)
    # What most of them hold for is tried first.
    return [kinds[kind] for kind in sorted(kinds, key=sum, reverse=True)]


def _candidates(
    definition: Definition, asked: Answered, about: Sequence[Comparison]
) -> Iterator[Any]:
    bounds = [bound for one in about for bound in (one.gte, one.lte)]
    match asked:
        case SingleChoice():
            yield from values_of(definition, asked)
        case Rating():
            yield from range(asked.min, asked.max + 1)
        case MultipleChoice():
            yield from _selections(definition, asked, about)
        case TextQuestion():
            yield "text"
        case Number():
            yield from _numbers(asked, [one for one in bounds if isinstance(one, int | float)])
        case Date():
            yield from _days(asked, [one for one in bounds if isinstance(one, str)])


def _selections(
    definition: Definition, asked: MultipleChoice, about: Sequence[Comparison]
) -> Iterator[list[str]]:
    """One option of each kind that comparisons tell apart, in all combinations that are taken."""
    listed = [{str(one) for one in each.in_ or each.not_in or ()} for each in about]
    kinds: dict[tuple[bool, ...], str] = {}
    for option in options_of(definition, asked):
        if option.exclusive:
            yield [option.value]
        else:
            kinds.setdefault(tuple(option.value in each for each in listed), option.value)
    most = min(len(kinds), asked.max_selected or len(kinds))
    if sum(math.comb(len(kinds), size) for size in range(1, most + 1)) > _MOST_SELECTIONS:
        raise GivenUp
    for size in range(1, most + 1):
        yield from map(list, combinations(kinds.values(), size))


def _numbers(asked: Number, bounds: list[float]) -> Iterator[float]:
    least, most = numbers_of(asked)
    points = sorted({least, most, *bounds})
    if asked.whole:
        near = {one + step for one in map(math.floor, points) for step in (-1, 0, 1, 2)}
        points = [float(one) for one in sorted(near)]
    else:
        points += [(one + other) / 2 for one, other in pairwise(points)]
    yield from (one for one in points if least <= one <= most)


def _days(asked: Date, bounds: list[str]) -> Iterator[str]:
    first, last = (date.fromisoformat(one).toordinal() for one in days_of(asked))
    points = {first, last, *(date.fromisoformat(one).toordinal() for one in bounds)}
    near = sorted({one + step for one in points for step in (-1, 0, 1)})
    yield from (
        date.fromordinal(one).isoformat()
        for one in near
        if first <= one <= last and 1 <= one <= _LAST_DAY
    )
