"""Logs as one JSON object a line, without personal data: texts and extras, never bodies."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]

_TELLS_ADDRESSES = ("httpx", "httpcore")
"""Loggers that write down the addresses they ask, with the codes and secrets in them."""
_FIELDS = ("request_id", "method", "route", "status", "milliseconds")


class JsonFormatter(logging.Formatter):
    """A log record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time (RFC 3339, UTC), level, logger, message, known extras, traceback."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in _FIELDS if hasattr(record, name)})
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = [
                one for error in _chain(record.exc_info[1]) for one in _told(error)
            ]
        return json.dumps(line, ensure_ascii=False)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException) -> Iterator[str]:
    # Never the message: the database and Pydantic quote the value that they stumbled over.
    state = getattr(error, "sqlstate", None)
    yield f"{type(error).__module__}.{type(error).__qualname__}" + (f" {state}" if state else "")
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"


def configure(level: Level = "warning") -> None:
    """Send all logs of this level and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TELLS_ADDRESSES:
        logging.getLogger(name).setLevel(logging.WARNING)
