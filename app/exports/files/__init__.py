"""Writing files. The libraries for it are large: each is loaded when its first file is made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from app.exports.columns import Batch, Table
from app.exports.schemas import Format


class Writer(Protocol):
    """Writes one file: its tables one after the other, then the codebook and the note.

    All of it blocks, and takes as much memory for a million rows as for a thousand.
    """

    def begin(self, table: Table) -> None:
        """Go on with this table."""

    def write(self, batch: Batch) -> None:
        """Write some rows of it."""

    def finish(self, codebook: Sequence[Sequence[str]], note: str) -> None:
        """Write the rest and close the file."""

    def abandon(self) -> None:
        """Close what is open of a file that will not be finished."""


def writer(form: Format, path: Path) -> Writer:
    """What writes a file of this form at `path`; its folder holds what it needs meanwhile."""
    match form:
        case "csv":
            from app.exports.files.csv_zip import CsvZip

            return CsvZip(path)
        case "parquet":
            from app.exports.files.parquet_zip import ParquetZip

            return ParquetZip(path)
        case "xlsx":
            from app.exports.files.workbook import Workbook

            return Workbook(path)
