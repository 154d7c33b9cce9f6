"""The bytes of a publication: lines of JSON, packed for storing, or as a table."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from app.core.spreadsheets import BYTE_ORDER_MARK, cell, defused

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(dict[str, Any])

_FIRST = ("level", "rank", "unit", "unit_name", "population", "channel", "question", "target")
"""What a table's row is about stands before its figures."""


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as NDJSON in canonical form: keys sorted, no spaces, UTF-8, each with a line feed."""
    return _encoder.encode_lines(rows)


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """What `lines` was given."""
    return _decoder.decode_lines(content)


def packed(content: bytes) -> bytes:
    """The content, a tenth of its size."""
    return gzip.compress(content, 6, mtime=0)


def unpacked(stored: bytes) -> bytes:
    """What `packed` was given. Errors: OSError, EOFError, zlib.error for what it never made."""
    return gzip.decompress(stored)


def flat(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The figures of a row, however deep, by names such as `counts.satisfied`.

    The two ends of an interval are one figure each; other lists are one figure. A unit is named
    as in the tables of results: `unit` and `unit_name`.
    """
    for name, value in row.items():
        match value:
            case {"code": code, "name": called, **more} if not more:
                yield f"{before}{name}", code
                yield f"{before}{name}_name", called
            case Mapping():
                yield from flat(value, f"{before}{name}.")
            case [int() | float() as low, int() | float() as high]:
                yield f"{before}{name}_low", low
                yield f"{before}{name}_high", high
            case _:
                yield f"{before}{name}", value


def as_csv(content: bytes) -> bytes:
    """Lines of JSON as a table that spreadsheets and programs both read.

    Of changes it has a line for each figure.
    """
    rows = [dict(flat(one)) for row in rows_of(content) for one in _apart(row)]
    names = dict.fromkeys(name for row in rows for name in row)
    # What is null in one row and has parts in another, such as an interval, has columns for these.
    parted = {name.rpartition(".")[0] for name in names} | {
        name.removesuffix("_low") for name in names if name.endswith("_low")
    }
    columns = [name for name in names if name not in parted]
    columns.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(map(defused, columns))
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return (BYTE_ORDER_MARK + file.getvalue()).encode()


def _apart(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    figures = row.pop("figures", None)
    if figures is None:
        yield row
        return
    for name, (before, after) in figures.items():
        yield {**row, "figure": name, "before": before, "after": after}
