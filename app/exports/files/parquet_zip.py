"""Tables as Parquet, in a ZIP with their codebook: choices as dictionaries, fields labelled."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.exports.columns import LOCALES, Batch, Column, Kind, Table, Values
from app.exports.files.archive import Archive

_GROUP = 50_000
_GROUP_BYTES = 64 << 20
"""A row group ends after so many rows or bytes."""
_TYPES: dict[Kind, Any] = {
    "text": pa.string(),
    "category": pa.dictionary(pa.int32(), pa.string()),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.int8(),
    "day": pa.date32(),
}


class ParquetZip:
    """See `files.Writer`."""

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        self._path = path.with_suffix(".table")
        self._table: Table | None = None
        self._schema: Any = None
        self._file: Any = None
        self._categories: list[Any] = []
        self._waiting: list[Any] = []
        """Rows of the next group."""
        self._rows = self._bytes = 0

    def begin(self, table: Table) -> None:
        """See `files.Writer`."""
        self._end()
        self._table = table
        self._schema = pa.schema([_field(one) for one in table.columns])
        self._categories = [pa.array(one.categories, pa.string()) for one in table.columns]
        self._file = pq.ParquetWriter(self._path, self._schema, compression="snappy")

    def write(self, batch: Batch) -> None:
        """See `files.Writer`."""
        assert self._table is not None
        arrays = [
            _array(column, values, categories)
            for column, values, categories in zip(
                self._table.columns, batch, self._categories, strict=True
            )
        ]
        self._waiting.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows += self._waiting[-1].num_rows
        self._bytes += self._waiting[-1].nbytes
        if self._rows >= _GROUP or self._bytes >= _GROUP_BYTES:
            self._flush()

    def finish(self, codebook: Sequence[Sequence[str]], note: str) -> None:
        """See `files.Writer`."""
        self._end()
        self._archive.finish(codebook, note)

    def abandon(self) -> None:
        """See `files.Writer`."""
        if self._table is not None:
            self._file.close()
        self._archive.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.Table.from_batches(self._waiting), row_group_size=_GROUP)
            self._waiting = []
            self._rows = self._bytes = 0

    def _end(self) -> None:
        if self._table is None:
            return
        self._flush()
        self._file.close()
        self._archive.add(self._path, f"{self._table.name}.parquet")
        self._path.unlink()
        self._table = None


def _array(column: Column, values: Values, categories: Any) -> Any:
    if column.kind == "category":
        return pa.DictionaryArray.from_arrays(pa.array(values, pa.int32()), categories)
    if column.kind == "flag":
        values = [None if one is None else int(bool(one)) for one in values]
    return pa.array(values, _TYPES[column.kind])


def _field(column: Column) -> Any:
    told = {f"label.{locale}": column.label.get(locale, "") for locale in LOCALES}
    told |= {"question": column.question, "type": column.type, "visible_if": column.visible_if}
    told |= {"min": column.least, "max": column.most}
    if column.values:
        told["values"] = json.dumps(
            [
                {"value": one.value, "label": dict(one.label), "counts_as": one.counts_as}
                for one in column.values
            ],
            ensure_ascii=False,
        )
    kept = {name: text for name, text in told.items() if text}
    return pa.field(column.name, _TYPES[column.kind], metadata=kept)
