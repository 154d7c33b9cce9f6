"""XLSX read as a stream: no file costs more memory or time than its unpacked size allows.

An XLSX file is a ZIP of XML. Whoever builds trees of that XML can be made to fill gigabytes by a
file of thirty kilobytes, so here nothing is kept but the cells of the row that is being read.
"""

import io
import math
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from posixpath import dirname, join, normpath
from typing import Any
from xml.parsers import expat

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNCALCULATED = object()
"""Stands in a cell whose formula has no stored result."""
MAX_UNPACKED = 100 << 20
_MAX_COLUMNS = 50
_MAX_ROWS = 1 << 20
"""As many as Excel has."""
_MAX_PARTS = 10_000
_MAX_DEPTH = 50
_MAX_TAG = 1 << 20
"""Bytes of one tag with its attributes."""
_MAX_TEXT = 50_000
"""Characters of a cell; Excel has 32,767."""
_MAX_STRINGS = 2_000_000
_PIECE = 1 << 16
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_INTEGER = re.compile(r"-?[0-9]{1,30}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

Cells = list[Any]


class Unreadable(Exception):
    """The file is no workbook, or more than one should be. The message says why."""


def rows(file: bytes, *, max_columns: int = _MAX_COLUMNS) -> Iterator[tuple[int, Cells]]:
    """The rows of the first sheet that are written in the file, by their numbers in Excel.

    Cells are None, texts, numbers, truth values or UNCALCULATED, at most `max_columns` in a row.
    Errors: Unreadable.
    """
    for _, number, cells in _readable(file, None, MAX_UNPACKED, max_columns):
        yield number, cells


def rows_of(
    file: bytes, wanted: Collection[str], *, max_unpacked: int, max_columns: int
) -> Iterator[tuple[str, int, Cells]]:
    """The rows of the sheets with these names in lower case, each with its sheet's such name.

    Cells are as in `rows`, at most `max_columns` in a row; the whole file may unpack to
    `max_unpacked` bytes. Errors: Unreadable.
    """
    return _readable(file, wanted, max_unpacked, max_columns)


def _readable(
    file: bytes, wanted: Collection[str] | None, max_unpacked: int, max_columns: int
) -> Iterator[tuple[str, int, Cells]]:
    try:
        yield from _rows(file, wanted, max_unpacked, max_columns)
    except Unreadable:
        raise
    except Exception as error:  # zipfile and expat stumble over a broken file in many ways
        raise Unreadable("The file is not an XLSX workbook that can be read.") from error


def _rows(
    file: bytes, wanted: Collection[str] | None, max_unpacked: int, max_columns: int
) -> Iterator[tuple[str, int, Cells]]:
    if file.count(b"PK\1\2") > _MAX_PARTS:
        raise Unreadable(f"The XLSX file has more than {_MAX_PARTS:,} parts.")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        if sum(item.file_size for item in archive.infolist()) > max_unpacked:
            raise Unreadable(f"The XLSX file unpacks to more than {max_unpacked >> 20} MB.")
        book = _related(archive, "", "officeDocument")[0][1]
        sheets = _sheets(archive, book)
        strings = [
            text
            for _, path in _related(archive, book, "sharedStrings")
            for text in _strings(archive, path)
        ]
        if wanted is not None:
            # Once each: ten thousand sheets might be the same large part.
            sheets = list({name: (name, path) for name, path in sheets if name in wanted}.values())
        for name, path in sheets if wanted is not None else sheets[:1]:
            sheet = _Sheet(strings, max_columns)
            for _ in _parsed(archive, path, sheet.open, sheet.close, sheet.write):
                yield from ((name, *row) for row in sheet.taken())


def _parsed(
    archive: zipfile.ZipFile,
    path: str,
    opened: Callable[[str, dict[str, str]], None],
    closed: Callable[[str], None] = lambda name: None,
    written: Callable[[str], None] = lambda text: None,
) -> Iterator[None]:
    """Tell what stands in a part of the file, and pause after each piece.

    Names come without their namespace, which has two spellings.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise Unreadable("The XLSX file is nested too deep.")
        opened(name.rpartition(" ")[2], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        closed(name.rpartition(" ")[2])

    def declares(*_: Any) -> None:
        # Office writes none; its entities could multiply, or name files of this machine.
        raise Unreadable("The XLSX file declares a document type, as no workbook does.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = written
    parser.StartDoctypeDeclHandler = declares
    read = 0
    with archive.open(path) as part:
        while piece := part.read(_PIECE):
            parser.Parse(piece)
            read += len(piece)
            if read - parser.CurrentByteIndex > _MAX_TAG:
                raise Unreadable("The XLSX file has a tag of absurd length.")
            yield
    parser.Parse(b"", True)
    yield


def _related(archive: zipfile.ZipFile, path: str, kind: str) -> list[tuple[str, str]]:
    """The ids and paths of the parts of a kind that a part (`""`: the file) refers to."""
    found = []

    def opened(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith(f"/{kind}"):
            target = normpath(join("/", dirname(path), attributes["Target"]))
            found.append((attributes["Id"], target.lstrip("/")))

    folder, _, name = path.rpartition("/")
    for _ in _parsed(archive, join(folder, "_rels", f"{name}.rels"), opened):
        pass
    return found


def _sheets(archive: zipfile.ZipFile, book: str) -> list[tuple[str, str]]:
    """The sheets' names in lower case and their paths, in order."""
    paths = dict(_related(archive, book, "worksheet"))
    sheets: list[tuple[str, str]] = []

    def opened(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            ids = [one for key, one in attributes.items() if key.endswith("/relationships id")]
            written = attributes.get("name", "").strip().lower()
            sheets.extend((written, paths[one]) for one in ids if one in paths)

    for _ in _parsed(archive, book, opened):
        pass
    if not sheets:
        raise Unreadable("The XLSX file has no sheet.")
    return sheets


def _strings(archive: zipfile.ZipFile, path: str) -> Iterator[str]:
    """The texts that cells refer to by number."""
    text = _Text()
    found: list[str] = []

    def opened(name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            text.clear()
        text.enter(name)

    def closed(name: str) -> None:
        text.leave(name)
        if name == "si":
            found.append(text.value())

    count = 0
    for _ in _parsed(archive, path, opened, closed, text.write):
        count += len(found)
        if count > _MAX_STRINGS:
            raise Unreadable(f"The XLSX file has more than {_MAX_STRINGS:,} texts.")
        yield from found
        found.clear()


class _Text:
    """What stands in `t` elements, without how it is pronounced."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._inside = False
        self._spoken = False

    def clear(self) -> None:
        self._parts, self._length = [], 0

    def enter(self, name: str) -> None:
        self._spoken = self._spoken or name == "rPh"
        self._inside = name in ("t", "v") and not self._spoken

    def leave(self, name: str) -> None:
        self._inside = False
        if name == "rPh":
            self._spoken = False

    def write(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length > _MAX_TEXT:
                raise Unreadable(f"The XLSX file has a text of more than {_MAX_TEXT:,} characters.")
            self._parts.append(text)

    def value(self) -> str:
        return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), "".join(self._parts))


class _Sheet:
    """A sheet as it is read: the cells of one row at a time."""

    def __init__(self, strings: list[str], max_columns: int) -> None:
        self._strings = strings
        self._max_columns = max_columns
        self._ready: list[tuple[int, Cells]] = []
        self._row, self._column = 0, -1
        self._cells: Cells = []
        self._kind = ""
        self._has_formula = False
        self._text = _Text()

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            if not 0 < self._row <= _MAX_ROWS:
                raise Unreadable(f"The XLSX file has rows beyond {_MAX_ROWS:,}.")
            self._column, self._cells = -1, []
        elif name == "c":
            self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
            self._kind = attributes.get("t", "n")
            self._has_formula = False
            self._text.clear()
        elif name == "f":
            self._has_formula = True
        self._text.enter(name)

    def write(self, text: str) -> None:
        self._text.write(text)

    def close(self, name: str) -> None:
        self._text.leave(name)
        if name == "c" and self._column < self._max_columns:
            self._cells.extend([None] * (self._column + 1 - len(self._cells)))
            self._cells[self._column] = self._value()
        elif name == "row" and any(cell is not None for cell in self._cells):
            self._ready.append((self._row, self._cells))

    def taken(self) -> list[tuple[int, Cells]]:
        """The rows that are read to their end, each once."""
        ready, self._ready = self._ready, []
        return ready

    def _value(self) -> Any:
        text = self._text.value()
        if text == "":
            return UNCALCULATED if self._has_formula else None
        match self._kind:
            case "s":
                return self._strings[int(text)]
            case "b":
                return text == "1"
            case "n":
                if _INTEGER.fullmatch(text):
                    return int(text)
                # No program writes what is not finite: a text, which no number or time can be.
                return number if math.isfinite(number := float(text)) else text
            case _:
                return text


def letters(column: int) -> str:
    """What Excel calls a column, from 0: `A`, `B`, … `AB` is column 27."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _column(place: str) -> int:
    """The column in a cell's place, from 0. `AB7` is in column 27."""
    match = _PLACE.fullmatch(place)
    if match is None:
        raise Unreadable("The XLSX file has a cell without a place.")
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
