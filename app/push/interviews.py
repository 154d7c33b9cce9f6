"""Sending interviews: parts of a thousand, each repeated under its key until it is acknowledged."""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.push.credentials import Credentials
from app.push.files import Fault, File, Raw
from app.push.mapping import ColumnMapping, Table, Unmapped, recoded
from app.push.rejections import Rejection, Rejections, of_fault, of_problem
from app.push.server import Server
from app.push.state import Keeper
from app.push.wording import Said, Stopped

AT_ONCE = 1000
_MOST_BYTES = 4 << 20
_MAX_LINE = 128 << 10


@dataclass(slots=True)
class Part:
    """Items that go in one request, and those before them that cannot be sent."""

    number: int
    rows: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    faults: list[Rejection] = field(default_factory=list)
    faulty: int = 0
    """Items that the faults are of."""
    size: int = 0

    @property
    def items(self) -> int:
        """How many items of the file it is."""
        return len(self.rows) + self.faulty

    @property
    def body(self) -> bytes:
        """As NDJSON."""
        return b"".join(self.lines)

    def is_full(self) -> bool:
        """Whether the next item begins another part."""
        return self.items >= AT_ONCE or self.size >= _MOST_BYTES


Converted = Iterator[tuple[int, dict[str, Any] | list[Rejection]]]


def converted(file: File, mapping: ColumnMapping, table: Table | None) -> Converted:
    """Each item's row and the interview that it makes, or why it makes none."""
    place = table.place if table else lambda name: name
    for one in file.items():
        if not isinstance(one, Raw):
            row, fault = one
            yield row, [of_fault(row, fault, "")]
            continue
        try:
            item = table.item(one.content) if table else recoded(mapping, one.content)
        except Unmapped as error:
            yield one.row, [of_fault(one.row, it, place(it.field)) for it in error.faults]
        else:
            yield one.row, item


def parts(items: Converted) -> Iterator[Part]:
    """The parts of a file, the same each time."""
    part = Part(0)
    for row, item in items:
        if isinstance(item, dict):
            line = msgspec.json.encode(item) + b"\n"
            if len(line) <= _MAX_LINE:
                part.rows.append(row)
                part.lines.append(line)
                part.size += len(line)
            else:
                part.faults.append(of_fault(row, _TOO_LONG, "", item))
                part.faulty += 1
        else:
            part.faults += item
            part.faulty += 1
        if part.is_full():
            yield part
            part = Part(part.number + 1)
    if part.items:
        yield part


_TOO_LONG = Fault("too_large", Said("内容过长（超过 128 KB）。", "It is longer than 128 KB."))


def key_of(credentials: Credentials, campaign: str, round: int, part: Part) -> str:
    """The Idempotency-Key of a part: the same whenever the same part is sent in the same round."""
    said = [credentials.server, credentials.client_id, campaign, round, part.number]
    digest = hashlib.sha256(msgspec.json.encode(said) + part.body)
    return f"push-{digest.hexdigest()[:40]}"


@dataclass(frozen=True)
class Push:
    """One file on its way to one campaign."""

    server: Server
    credentials: Credentials
    campaign: str
    keeper: Keeper
    rejections: Rejections
    place: Callable[[str], str]
    """The column of a field; empty where there is none."""

    def send(self, every: Iterable[Part], progress: Callable[[int], None]) -> None:
        """Send what was not acknowledged before. Errors: Stopped."""
        state = self.keeper.state
        done = state.parts
        for part in every:
            if part.number >= done:
                counts, found = self._sent(part)
                self.rejections.add(sorted([*part.faults, *found], key=lambda one: one.row))
                counts["rejected"] = counts.get("rejected", 0) + part.faulty
                state.add(counts)
                state.rejected_bytes = self.rejections.length
                self.keeper.keep()
            progress(part.items)

    def _sent(self, part: Part) -> tuple[dict[str, int], list[Rejection]]:
        if not part.lines:
            return {}, []
        reply = self.server.ask(
            "POST",
            f"/v1/campaigns/{self.campaign}/interviews",
            content=gzip.compress(part.body, 6, mtime=0),
            headers={
                "Content-Type": "application/x-ndjson",
                "Content-Encoding": "gzip",
                "Idempotency-Key": key_of(
                    self.credentials, self.campaign, self.keeper.state.round, part
                ),
            },
        )
        results = reply.get("results") if isinstance(reply, dict) else None
        if not isinstance(results, list) or len(results) != len(part.rows):
            raise Stopped(
                "服务器的答复不完整：请升级本程序。", "The reply is not whole: update this program."
            )
        found = []
        counts: dict[str, int] = {}
        for row, result in zip(part.rows, results, strict=True):
            status = result["status"]
            counts[status] = counts.get(status, 0) + 1
            if status == "rejected":
                found += of_problem(row, result, self.place)
        return counts, found
