"""Taking the items of a delivery: each looked at, filed or refused, and counted."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import msgspec
from asyncpg.exceptions import DeadlockDetectedError, UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.core import clock
from app.core.database import Connection, Database, driver_connection, lent
from app.core.problems import Busy, Problem
from app.questionnaires.answerable import answerable
from app.responses.directory import Directory, Rules
from app.responses.problems import Closed
from app.telephone.filing import Filing, RulesChanged
from app.telephone.items import Sealed, Seals, check, each, sealed
from app.telephone.problems import InterviewConflict
from app.telephone.reading import BadRow, Kinds, Raw, Reading
from app.telephone.schemas import (
    ItemStatus,
    read_interview,
    readable_code,
    readable_day,
)
from app.telephone.tallies.problems import DoubleCount
from app.telephone.windows import require_taking
from app.units import service as units

STATUSES: tuple[ItemStatus, ...] = get_args(ItemStatus)
_ATTEMPTS = 4
_PAUSE = 0.2


class Looked(list[Raw]):
    """Items that were looked at ahead of their transaction."""

    def __init__(
        self,
        raws: Iterable[Raw],
        items: Sequence[Any],
        checked: Sequence[Sealed | Problem],
        upon: tuple[Rules, Collection[str], Mapping[str, int]],
    ) -> None:
        super().__init__(raws)
        self.items = items
        """As JSON would have them; or the Problem of what cannot be read."""
        self.checked = checked
        self.upon = upon
        """The rules that they were checked by, the codes of their units, and whose ids these are:
        as long as both are the same, so is what was found."""


Part = Sequence[Raw]
"""Some thousand items at most; they may be `Looked` at."""


@dataclass
class Taken:
    """What became of items: how many of each, by what they are told, and the results."""

    told: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    """As `queries.count_up` takes them."""
    refused: list[dict[str, Any]] = field(default_factory=list)
    """As `queries.count_up` takes them."""
    results: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """A delivery that is on file, and how its items are read."""

    id: int
    campaign: str
    """The campaign's code."""
    caller: Principal
    reading: Reading
    keeps_results: bool
    """Whether every item is told what became of it."""


async def take(
    session: AsyncSession,
    directory: Directory,
    delivery: Delivery,
    parts: Callable[[], Iterable[Part]],
) -> Taken:
    """Take items in the session's transaction, all of `parts` or none; they may be read again.

    What became of them is for the caller to count up at the delivery. Good items are stored though
    others are bad. Errors, for all of it: NotOpenYet, Closed, Busy.
    """
    connection = await driver_connection(session)
    for attempt in range(_ATTEMPTS):
        rules, seals = await present_rules(connection, directory, delivery.campaign)
        taking = _Taking(session, connection, delivery, rules, seals)
        try:
            async with connection.transaction():
                for part in parts():
                    await taking.take(part)
        except (DeadlockDetectedError, UniqueViolationError):
            # Another contractor's delivery has the same persons in another order, or a response
            # was flagged as it was revised. What was stored is undone; once more, a little later.
            await asyncio.sleep(_PAUSE * 2**attempt)
            continue
        except RulesChanged:
            # The campaign was changed, and nothing was stored: once more.
            continue
        return taking.taken
    raise Busy()


async def look_ahead(
    database: Database, directory: Directory, delivery: Delivery, part: Part
) -> Looked:
    """Look at items, while others are being stored. Errors: NotOpenYet, Closed."""
    async with lent(database.pool) as connection, database.sessions.begin() as session:
        rules, seals = await present_rules(connection, directory, delivery.campaign)
        return await _Taking(session, connection, delivery, rules, seals).look(part)


async def present_rules(
    connection: Connection, directory: Directory, campaign: str
) -> tuple[Rules, Seals]:
    """The rules and seals of a campaign that takes deliveries. Errors: NotOpenYet, Closed."""
    rules = await directory.campaign(connection, campaign)
    if rules is None or rules.identity_key is None:
        raise Closed("The campaign takes no more deliveries.")
    require_taking(rules)
    return rules, Seals(rules.identity_key)


class _Taking:
    """One try to take a delivery's items, part after part."""

    def __init__(
        self,
        session: AsyncSession,
        connection: Connection,
        delivery: Delivery,
        rules: Rules,
        seals: Seals,
    ) -> None:
        self.taken = Taken()
        self._session = session
        self._connection = connection
        self._delivery = delivery
        self._rules = rules
        self._seals = seals
        self._kinds: Kinds = {}
        if delivery.reading.is_table:
            self._kinds = {
                one.code: {
                    part.asked.code: part.asked.type
                    for part in answerable(one.questionnaire.definition)
                }
                for one in rules.populations
            }

    async def look(self, part: Part) -> Looked:
        """Read and check items."""
        items = await each(partial(self._delivery.reading.item, kinds=self._kinds), part)
        sent = await each(read_interview, items)
        codes = {one.unit for one in sent if not isinstance(one, Problem)}
        ids = await self._units(codes)
        rules, source_id = self._rules, self._delivery.caller.id
        checked = await each(partial(check, rules=rules, units=ids, now=clock.now()), sent)
        sealing = partial(sealed, rules=rules, seals=self._seals, source_id=source_id)
        return Looked(part, items, await each(sealing, checked), (rules, codes, ids))

    async def take(self, part: Part) -> None:
        """Store items, and count them."""
        looked = part if isinstance(part, Looked) and await self._stands(part) else None
        if looked is None:
            looked = await self.look(part)
        filing = Filing(
            self._connection,
            self._rules,
            source_id=self._delivery.caller.id,
            delivery_id=self._delivery.id,
        )
        filed = await _filed(filing, looked.checked)
        self._count(filed, filing)
        refused = [
            _Refused(raw, _shown(item), one)
            for raw, item, one in zip(part, looked.items, filed, strict=True)
            if isinstance(one, Problem)
        ]
        self.taken.refused += map(self._refusal, refused)
        if self._delivery.keeps_results:
            self.taken.results += map(self._result, part, looked.items, filed)

    async def _stands(self, looked: Looked) -> bool:
        rules, codes, ids = looked.upon
        return rules is self._rules and await self._units(codes) == ids

    async def _units(self, codes: Collection[str]) -> dict[str, int]:
        return await units.visible_ids(
            self._session, self._delivery.caller, codes, within=self._rules.region_id
        )

    def _count(self, filed: Sequence[ItemStatus | Problem], filing: Filing) -> None:
        told = Counter(_status(one) for one in filed)
        hidden = filing.already_answered()
        self.taken.told += told
        self.taken.true += told
        for status, number in hidden.items():
            self.taken.true[status] -= number
            self.taken.true["already_answered"] += number
        self.taken.true["told_updated"] += hidden["updated"]

    def _refusal(self, refused: "_Refused") -> dict[str, Any]:
        errors = self._delivery.reading.errors(refused.raw, refused.problem)
        return {
            "delivery_id": self._delivery.id,
            "index": refused.raw.index,
            "interview_id": readable_code(refused.item, "interview_id"),
            "unit": readable_code(refused.item, "unit"),
            "day": readable_day(refused.item),
            "problem": refused.problem.slug,
            "errors": msgspec.json.encode(errors).decode(),
        }

    def _result(self, raw: Raw, item: Any, filed: ItemStatus | Problem) -> dict[str, Any]:
        result: dict[str, Any] = {
            "index": raw.index,
            "interview_id": readable_code(_shown(item), "interview_id"),
            "status": _status(filed),
        }
        if isinstance(filed, Problem):
            document = filed.document(self._delivery.caller.request_id)
            document["errors"] = self._delivery.reading.errors(raw, filed)
            result["problem"] = document
        return result


@dataclass(frozen=True)
class _Refused:
    """An item that was not taken; `item` is a Problem where it could not even be read."""

    raw: Raw
    item: Any
    problem: Problem


async def _filed(filing: Filing, checked: Sequence[Sealed | Problem]) -> list[ItemStatus | Problem]:
    filed: list[ItemStatus | Problem] = []
    await filing.open([one for one in checked if not isinstance(one, Problem)])
    for one in checked:
        if isinstance(one, Problem):
            filed.append(one)
            continue
        try:
            filed.append(await filing.add(one))
        except (InterviewConflict, DoubleCount) as problem:
            filed.append(problem)
    await filing.close()
    return filed


def _shown(item: Any) -> Any:
    return item.item if isinstance(item, BadRow) else item


def _status(filed: ItemStatus | Problem) -> ItemStatus:
    return "rejected" if isinstance(filed, Problem) else filed
