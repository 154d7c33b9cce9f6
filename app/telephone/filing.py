"""Filing interviews: revisions kept as history, and what counts of them in the ledger."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.core.database import Connection
from app.core.problems import FieldError
from app.responses import ledger
from app.responses.directory import Rules
from app.responses.submission import Outcome, Submission
from app.rosters.ties import tied
from app.telephone import queries
from app.telephone.items import Sealed, calls_of, submission_of
from app.telephone.problems import InterviewConflict
from app.telephone.reconciliation import answered
from app.telephone.tallies.guard import Guard

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

    def __init__(
        self,
        connection: Connection,
        rules: Rules,
        *,
        source_id: int,
        delivery_id: int,
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._source_id = source_id
        self._delivery_id = delivery_id
        self._history: defaultdict[str, list[_Revision]] = defaultdict(list)
        self._new: list[tuple[Sealed, _Revision]] = []
        self._told: list[Filed] = []
        self._waiting: list[tuple[Submission, _Revision]] = []
        self._refused: list[Submission] = []
        self._ties: dict[bytes, set[bytes]] = {}
        self._guard = Guard(connection, rules.id, source_id)

    async def open(self, items: Sequence[Sealed]) -> None:
        """Get out what is on file of these interviews, and in rosters of their persons."""
        await self._guard.open(items)
        shown = {one for item in items for one in item.shown}
        self._ties = await tied(self._connection, self._rules.id, shown)
        for row in await queries.revisions(
            self._connection,
            self._rules.id,
            self._source_id,
            [item.sent.interview_id for item in items],
        ):
            revision = _Revision(row["revision"], row["content_mac"], row["status"])
            self._history[row["interview_id"]].append(revision)

    async def add(self, item: Sealed) -> Filed:
        """File one item. Errors: InterviewConflict, DoubleCount."""
        history = self._history[item.sent.interview_id]
        content_mac = item.content_mac
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
        self._guard.check(item)
        revision = _Revision(item.sent.revision, content_mac, "no_answers")
        history.append(revision)
        told: Filed = "accepted" if former is None else "updated"
        self._new.append((item, revision))
        self._told.append(told)
        submission = None
        if item.encoded is not None:
            shown = self._of_one_person(item.shown)
            claimed = set(shown).union(*(self._ties.get(one, ()) for one in shown))
            submission = submission_of(item, self._rules, self._source_id, claimed)
        if former is not None:
            await self._correct(former, revision, submission, item.submission_id)
        elif submission is not None:
            self._waiting.append((submission, revision))
        return told

    def _of_one_person(self, shown: Sequence[bytes]) -> Sequence[bytes]:
        """Those proofs of an item that rosters know for one person's, or all where they know none.

        A contractor says which phone and external id are one person's. Were it believed against
        the roster, it could tie another's phone to an invitation of its own, and learn by
        answering with that whether the other has answered.
        """
        known = [one for one in shown if one in self._ties]
        if not known:
            return shown
        return [one for one in shown if one == known[0] or one in self._ties[known[0]]]

    async def close(self) -> None:
        """Store everything that was filed."""
        await self._store_waiting()
        await self._guard.close(item for item, _ in self._new)
        if self._new:
            rows = [self._row(*one) for one in self._new]
            await queries.insert_interviews(self._connection, rows)
        await answered.note(self._connection, self._rules, self._source_id, self._refused)

    def already_answered(self) -> Counter[Filed]:
        """How many of those that were filed count nowhere, since their persons had answered.

        By what they are told instead; known when everything is stored.
        """
        return Counter(
            told
            for told, (_, revision) in zip(self._told, self._new, strict=True)
            if revision.status == "already_answered"
        )

    async def _correct(
        self,
        former: _Revision,
        revision: _Revision,
        submission: Submission | None,
        submission_id: UUID,
    ) -> None:
        await self._store_waiting()
        if submission is not None:
            outcome = await ledger.revise(self._connection, submission)
            revision.status = self._settled(submission, outcome)
        elif former.status == "counted":
            await ledger.withdraw(self._connection, self._rules.id, submission_id)

    async def _store_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            submissions = [submission for submission, _ in waiting]
            outcomes = await ledger.store_many(self._connection, submissions)
            for (submission, revision), outcome in zip(waiting, outcomes, strict=True):
                revision.status = self._settled(submission, outcome)

    def _settled(self, submission: Submission, outcome: Outcome) -> str:
        if outcome is Outcome.already_answered:
            self._refused.append(submission)
        return _status(outcome)

    def _row(self, item: Sealed, revision: _Revision) -> tuple[Any, ...]:
        """As `queries.COLUMNS` has it."""
        sent = item.sent
        calls = calls_of(sent)
        return (
            self._rules.id,
            self._source_id,
            sent.interview_id,
            sent.revision,
            revision.content_mac,
            item.submission_id,
            item.unit_id,
            item.population.position,
            sent.disposition,
            len(calls) if calls else sent.attempts,
            sent.child,
            sent.sample_id,
            sent.interviewer,
            sent.started_at,
            sent.ended_at,
            revision.status,
            sent.language,
            sent.recording,
            sent.recording_sha256,
            calls and msgspec.json.encode(calls).decode(),
            self._delivery_id,
        )


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
