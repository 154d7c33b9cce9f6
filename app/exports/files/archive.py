"""A ZIP that holds tables, the codebook and the note."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from app.core.spreadsheets import BYTE_ORDER_MARK, defused
from app.exports.columns import CODEBOOK


class Archive:
    """The ZIP, written from front to end."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    @contextmanager
    def text(self, name: str) -> Iterator[TextIO]:
        """A file of text, UTF-8 with its mark."""
        with (
            self._archive.open(name, "w", force_zip64=True) as raw,
            io.TextIOWrapper(raw, encoding="utf-8", newline="") as file,
        ):
            file.write(BYTE_ORDER_MARK)
            yield file

    def add(self, path: Path, name: str) -> None:
        """A file that is packed already."""
        self._archive.write(path, name, compress_type=zipfile.ZIP_STORED)

    def finish(self, codebook: Iterable[Sequence[str]], note: str) -> None:
        """Write codebook and note, and close the file."""
        with self.text("codebook.csv") as file:
            table = csv.writer(file)
            table.writerow(CODEBOOK)
            table.writerows([defused(cell) for cell in line] for line in codebook)
        with self.text("README.txt") as file:
            file.write(note.replace("\n", "\r\n"))
        self.close()

    def close(self) -> None:
        """Close the file, such as it is."""
        self._archive.close()
