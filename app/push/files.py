"""The contractor's file, item by item: CSV (UTF-8 or GB18030), XLSX, NDJSON or JSON.

It is read from the disk each time it is walked through, so that a million rows take no memory;
JSON and XLSX, which have no rows on the disk, are held.
"""

import csv
import hashlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from app.core import workbook
from app.push.wording import Said, Stopped

Form = Literal["csv", "xlsx", "ndjson", "json"]
MAX_COLUMNS = 500
_PIECE = 1 << 20
_BOM = b"\xef\xbb\xbf"
_MAX_JSON = 512 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an item cannot be sent at all. `field` is what it is about, where it is one field."""

    code: str
    said: Said
    field: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """An item as the file has it."""

    row: int
    """The number of its line or row, as editors and Excel show it; of JSON its place, from 1."""
    content: Any
    """An object of JSON, or a row's cells."""


@dataclass(frozen=True)
class File:
    """A readable file."""

    path: Path
    form: Form
    digest: str
    """SHA-256 of its bytes, in hexadecimal."""
    encoding: str = "utf-8"
    held: Any = None
    """What is held of JSON (the document) and of XLSX (numbered rows)."""

    @property
    def is_table(self) -> bool:
        """Whether its items are rows under a first one that names the columns."""
        return self.form in ("csv", "xlsx")

    def header(self) -> list[str]:
        """What the first row of a table names its columns. Errors: Stopped."""
        for _, cells in self._rows():
            return ["" if one is None else str(one).strip() for one in cells]
        raise Stopped("文件是空的。", "The file is empty.")

    def items(self) -> Iterator[Raw | tuple[int, Fault]]:
        """Its items in order; for what is none, its row and why. Errors: Stopped."""
        if self.is_table:
            rows = self._rows()
            next(rows, None)
            for number, cells in rows:
                if any(one not in (None, "") for one in cells):
                    yield Raw(number, cells)
        elif self.form == "json":
            for number, item in enumerate(self.held, 1):
                yield _object(number, item)
        else:
            yield from self._lines()

    def _lines(self) -> Iterator[Raw | tuple[int, Fault]]:
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                line = line.removeprefix(_BOM) if number == 1 else line
                if not line.strip():
                    continue
                try:
                    item = msgspec.json.decode(line)
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    item = None
                yield _object(number, item)

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        if self.form == "xlsx":
            yield from self.held
            return
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with self.path.open(encoding=encoding, newline="") as text:
            number = 0
            try:
                for number, cells in enumerate(csv.reader(text, strict=True), 1):
                    yield number, list(cells)
            except csv.Error as error:
                raise Stopped(
                    f"第 {number + 1} 行不是合法的 CSV：请检查引号。什么也没有发送。",
                    f"Row {number + 1} is no CSV: check its quotation marks. Nothing was sent.",
                ) from error


def _object(number: int, item: Any) -> Raw | tuple[int, Fault]:
    if isinstance(item, dict):
        return Raw(number, item)
    said = Said("这一行不是 JSON 对象。", "This is no JSON object.")
    return number, Fault("malformed", said)


def opened(path: Path) -> File:
    """A file, its form found from its bytes. Errors: Stopped."""
    try:
        digest, is_utf8, is_gb, head = _looked_through(path)
    except OSError as error:
        raise Stopped(
            f"无法读取 {path}（{error.strerror}）。", f"{path} cannot be read ({error.strerror})."
        ) from error
    if head.startswith(b"PK"):
        return File(path, "xlsx", digest, held=_workbook(path))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Stopped("文件是 UTF-16：请另存为 UTF-8。", "This is UTF-16: save it as UTF-8.")
    start = head.removeprefix(_BOM).lstrip()
    if start[:1] in (b"{", b"["):
        held = _document(path, start)
        return File(path, "ndjson" if held is None else "json", digest, held=held)
    if not is_utf8 and not is_gb:
        raise Stopped(
            "文件既不是 UTF-8 也不是 GB18030：请另存为 UTF-8。",
            "This is neither UTF-8 nor GB18030: save it as UTF-8.",
        )
    return File(path, "csv", digest, encoding="utf-8" if is_utf8 else "gb18030")


def _looked_through(path: Path) -> tuple[str, bool, bool, bytes]:
    """Its digest, whether it is UTF-8 and GB18030 throughout, and how it begins."""
    digest = hashlib.sha256()
    decoders = {name: getincrementaldecoder(name)() for name in ("utf-8", "gb18030")}
    fitting = set(decoders)
    head = b""
    with path.open("rb") as pieces:
        while True:
            piece = pieces.read(_PIECE)
            head = head or piece[:4096]
            digest.update(piece)
            for name in list(fitting):
                try:
                    decoders[name].decode(piece, final=not piece)
                except UnicodeDecodeError:
                    fitting.discard(name)
            if not piece:
                return digest.hexdigest(), "utf-8" in fitting, "gb18030" in fitting, head


def _workbook(path: Path) -> list[tuple[int, list[Any]]]:
    try:
        return list(workbook.rows(path.read_bytes(), max_columns=MAX_COLUMNS))
    except workbook.Unreadable as error:
        raise Stopped(f"无法读取工作簿：{error}", str(error)) from error


def _document(path: Path, start: bytes) -> list[Any] | None:
    """The items of a JSON document; None for one of lines."""
    first = start.partition(b"\n")[0]
    if start[:1] == b"{":
        try:
            if not {"interviews", "rows"} & msgspec.json.decode(first).keys():
                return None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # an object over several lines
    if path.stat().st_size > _MAX_JSON:
        raise Stopped("JSON 文件过大：请用 NDJSON。", "This is too much JSON: use NDJSON.")
    try:
        whole = msgspec.json.decode(path.read_bytes().removeprefix(_BOM))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if isinstance(whole, dict):
        whole = whole.get("interviews", whole.get("rows"))
    if not isinstance(whole, list):
        raise Stopped(
            '请使用 NDJSON、对象数组或 {"interviews": […]}。',
            'Give NDJSON, a list of objects or {"interviews": […]}.',
        )
    return whole
