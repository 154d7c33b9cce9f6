"""Filing interviews: revisions kept as history, and what counts of them in the ledger."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from app.core.database import Connection
from app.core.problems import FieldError
from app.responses import ledger
from app.responses.directory import Rules
from app.responses.submission import Outcome, Submission
from app.rosters.ties import tied
from app.telephone import queries
from app.telephone.items import Item, Seals, shown_by, submission_of
from app.telephone.problems import InterviewConflict

Filed = Literal["accepted", "replayed", "updated"]


class RulesChanged(Exception):
    """The campaign was changed since its rules were read: read them again and repeat."""


@dataclass(slots=True)
class _Revision:
    """One revision of an interview, stored or about to be."""

    number: int
    content_mac: bytes
    status: str


class Filing:
    """One delivery of a source to a campaign, item by item, in a transaction of the caller's.

    Items count as sent one after the other. Responses that are new wait for each other, so that
    one statement stores them all; whatever could depend on them has them stored first.
    """

    def __init__(self, connection: Connection, rules: Rules, seals: Seals, source_id: int) -> None:
        self._connection = connection
        self._rules = rules
        self._seals = seals
        self._source_id = source_id
        self._history: defaultdict[str, list[_Revision]] = defaultdict(list)
        self._new: list[tuple[Item, UUID, _Revision]] = []
        self._waiting: list[tuple[Submission, _Revision]] = []
        self._ties: dict[bytes, set[bytes]] = {}

    async def open(self, items: Sequence[Item]) -> None:
        """Get out what is on file of these interviews, and in rosters of their persons."""
        shown = {one for item in items if item.encoded for one in shown_by(item, self._rules)}
        self._ties = await tied(self._connection, self._rules.id, shown)
        for row in await queries.revisions(
            self._connection,
            self._rules.id,
            self._source_id,
            [item.sent.interview_id for item in items],
        ):
            revision = _Revision(row["revision"], row["content_mac"], row["status"])
            self._history[row["interview_id"]].append(revision)

    async def add(self, item: Item) -> Filed:
        """File one item. Errors: InterviewConflict."""
        history = self._history[item.sent.interview_id]
        content_mac = self._seals.content(item)
        former = history[-1] if history else None
        if former is not None and former.content_mac == content_mac:
            return "replayed"
        # A late repeat of an earlier revision; under a higher number it is a correction undone.
        if (
            former is not None
            and item.sent.revision <= former.number
            and any(one.content_mac == content_mac for one in history)
        ):
            return "replayed"
        if former is not None and item.sent.revision <= former.number:
            message = "Give other content a revision above the latest one."
            raise InterviewConflict(errors=[FieldError("/revision", "not_higher", message)])
        revision = _Revision(item.sent.revision, content_mac, "no_answers")
        submission_id = self._seals.submission_id(self._source_id, item.sent.interview_id)
        history.append(revision)
        self._new.append((item, submission_id, revision))
        submission = None
        if item.encoded is not None:
            submission = submission_of(
                item, self._rules, self._source_id, submission_id, self._ties
            )
        if former is not None:
            await self._correct(former, revision, submission, submission_id)
            return "updated"
        if submission is not None:
            self._waiting.append((submission, revision))
        return "accepted"

    async def close(self) -> None:
        """Store everything that was filed."""
        await self._store_waiting()
        if self._new:
            rows = [self._row(*one) for one in self._new]
            await queries.insert_interviews(self._connection, rows)

    async def _correct(
        self,
        former: _Revision,
        revision: _Revision,
        submission: Submission | None,
        submission_id: UUID,
    ) -> None:
        await self._store_waiting()
        if submission is not None:
            revision.status = _status(await ledger.revise(self._connection, submission))
        elif former.status == "counted":
            await ledger.withdraw(self._connection, self._rules.id, submission_id)

    async def _store_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            submissions = [submission for submission, _ in waiting]
            outcomes = await ledger.store(self._connection, submissions)
            for (_, revision), outcome in zip(waiting, outcomes, strict=True):
                revision.status = _status(outcome)

    def _row(self, item: Item, submission_id: UUID, revision: _Revision) -> dict[str, Any]:
        kept = ("interview_id", "revision", "disposition", "attempts", "child", "sample_id")
        times = ("interviewer", "started_at", "ended_at")
        return {
            **{name: getattr(item.sent, name) for name in kept + times},
            "campaign_id": self._rules.id,
            "source_id": self._source_id,
            "content_mac": revision.content_mac,
            "submission_id": submission_id,
            "unit_id": item.unit_id,
            "population": item.population.position,
            "status": revision.status,
        }


def _status(outcome: Outcome) -> str:
    match outcome:
        case Outcome.stored:
            return "counted"
        case Outcome.already_answered:
            return "already_answered"
        case Outcome.outdated:
            raise RulesChanged
        case _:
            raise AssertionError(f"the ledger knew of an interview that was not on file: {outcome}")
