"""The demonstration's places: Weifang and its counties as they are, schools of our own invention.

Codes of city and counties are those of GB/T 2260; residents are rounded from the census of 2020,
and no school of these names is meant.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from app.units.spreadsheet import Row, read_csv

UNITS = Path(__file__).with_name("units.csv")
CITY = "370700"
PERIOD = "2026-autumn"


@dataclass(frozen=True)
class School:
    """A school as `units.csv` has it."""

    code: str
    county: str
    stage: str
    students: int
    parents: int
    teachers: int


def rows() -> list[tuple[int, Row]]:
    """All units, as an import takes them."""
    return list(read_csv(UNITS.read_bytes()))


def schools() -> list[School]:
    """All schools, in order of their codes."""
    with UNITS.open(encoding="utf-8", newline="") as file:
        return [
            School(
                code=row["code"],
                county=row["parent"],
                stage=row["stage"],
                students=int(row["students"]),
                parents=int(row["parents"]),
                teachers=int(row["teachers"]),
            )
            for row in csv.DictReader(file)
            if row["kind"] == "school"
        ]
