"""Statements of delivery: what a contractor delivered until a day, as JSON or a table, signed."""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.keyring import Keyring
from app.core.problems import FieldError, InvalidInput
from app.core.spreadsheets import BYTE_ORDER_MARK, defused
from app.telephone.reconciliation import queries
from app.telephone.reconciliation.queries import Scope
from app.telephone.reconciliation.service import (
    View,
    by_disposition,
    day_rows,
    gathered,
    numbers,
    tallies,
)
from app.telephone.reconciliation.signing import canonical, signed

SIGNATURE_LINE = "# Xinsheng-Signature"
_HEAD = ("number", "campaign", "title", "contractor", "from", "until", "made_at", "digest")
_NUMBERS = ("sent", "stored", "replayed", "refused")
_COLUMNS = ("part", "name", "value", *_NUMBERS, "interviews", "digest", "received_at")
_NUMBER_DIGITS = 12


def last_day(seen: View, until: date | None) -> date:
    """The last day of a statement, today where none is given.

    Errors: InvalidInput where the day is still to come or no contractor is named.
    """
    today = clock.day_of(clock.now())
    if seen.source_id is None:
        message = "Name the contractor by its client_id: a statement is about one."
        raise InvalidInput(errors=[FieldError("?source", "missing", message)])
    if until is not None and until > today:
        message = "Give today or a day before: nothing can be stated of days to come."
        raise InvalidInput(errors=[FieldError("?until", "in_the_future", message)])
    return until or today


async def statement(session: AsyncSession, seen: View, until: date) -> dict[str, Any]:
    """What the view's one contractor had delivered by the end of a day.

    Of texts, whole numbers and null alone. The same for the contractor and the bureau: nothing in
    it tells who had answered.
    """
    assert seen.source_id is not None
    made_at = clock.now()
    midnight = datetime.combine(until + timedelta(days=1), datetime.min.time(), clock.SHANGHAI)
    # Of today it is everything that there is by now.
    scope = Scope(seen.campaign.id, seen.source_id, midnight if midnight <= made_at else None)
    ledger = (await gathered(session, scope, by="day"))[seen.source_id]
    names = await queries.clients_by_id(session, [seen.source_id])
    name = names[seen.source_id]
    rows = [row for several in ledger.counts.values() for row in several]
    content = {
        "campaign": seen.campaign.code,
        "title": seen.campaign.title,
        "contractor": name,
        "from": clock.day_of(seen.campaign.opens_at).isoformat(),
        "until": until.isoformat(),
        "totals": {
            **numbers(ledger.deliveries).model_dump(),
            "interviews": sum(row.interviews for row in rows),
            "revisions": ledger.filed.total(),
        },
        "batches": [_batch(one) for one in ledger.deliveries],
        "days": [
            row.model_dump(mode="json", exclude=_PRIVATE) for row in day_rows(name, ledger, False)
        ],
        "by_disposition": by_disposition(rows),
        "tallies": tallies(ledger).model_dump(),
        "digest": ledger.digest,
    }
    mark = hashlib.sha256(canonical(content)).hexdigest()[:_NUMBER_DIGITS]
    number = f"{seen.campaign.code}/{name}/{until.isoformat()}/{mark}"
    return {"number": number, "made_at": _written(made_at), **content}


_PRIVATE: dict[str, Any] = {"source": True, "received": {"already_answered"}}


def _batch(one: Any) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("name", "kind", "form", *_NUMBERS)},
        "received_at": _written(one.received_at),
        "finished_at": _written(one.finished_at) if one.finished_at else None,
    }


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_json(keyring: Keyring, stated: dict[str, Any]) -> bytes:
    """The statement and its signature, both in canonical form."""
    signature = signed(keyring, canonical(stated)).model_dump()
    return canonical({"signature": signature, "statement": stated})


def as_csv(keyring: Keyring, stated: dict[str, Any]) -> bytes:
    """The same as a table, whose last line is the signature of every byte before it."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    for row in _table(stated):
        cells = {name: "" if value is None else defused(str(value)) for name, value in row.items()}
        writer.writerow(cells)
    content = (BYTE_ORDER_MARK + file.getvalue()).encode()
    signature = signed(keyring, content)
    line = f"{SIGNATURE_LINE}: {signature.algorithm} {signature.key_id} {signature.value}\r\n"
    return content + line.encode()


def _table(stated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _HEAD:
        yield {"part": "statement", "name": name, "value": stated[name]}
    yield {"part": "total", "digest": stated["digest"], **stated["totals"]}
    for name, value in stated["tallies"].items():
        yield {"part": "tallies", "name": name, "value": value}
    for disposition, count in stated["by_disposition"].items():
        yield {"part": "disposition", "name": disposition, "interviews": count}
    for batch in stated["batches"]:
        yield {"part": "batch", **batch, "value": batch["kind"]}
    for row in stated["days"]:
        if row["received"]["deliveries"]:
            yield {"part": "day received", "name": row["day"], **row["received"]}
        ended = row["ended"]
        yield {"part": "day ended", "name": row["day"], **ended}
