"""Files opened again with other libraries: labels, nulls, Chinese, numbers, and no formula."""

import csv
import io
from datetime import date
from typing import Any

import fastparquet
import openpyxl
import pandas
import pyarrow.parquet
import pytest

from app.core.settings import Settings
from tests.exports.world import (
    FORMULA,
    FULL,
    MARKUP,
    ODD,
    SPARE,
    as_json,
    codebook,
    every_kind,
    exported,
    of_variable,
    parts,
    respond,
    table,
)
from tests.factories import Api, answers, campaign_body


@pytest.fixture
async def answered(admin: Api) -> Api:
    """Two parents and a teacher have answered."""
    await every_kind(admin)
    await respond(admin, "A1", FULL)
    await respond(admin, "B1", SPARE)
    await respond(admin, "A2", answers("satisfied"), population="teacher")
    return admin


def rows_of(frame: Any) -> dict[str, dict[str, Any]]:
    """Rows by the code of their unit."""
    return {one["unit"]: one for one in frame.to_dict("records")}


async def test_a_csv_has_every_kind_of_answer(answered: Api, settings: Settings) -> None:
    file = await exported(answered, settings, values="labels")
    assert set(parts(file)) == {"parent.csv", "teacher.csv", "codebook.csv", "README.txt"}
    raw = parts(file)["parent.csv"]
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert len({len(line) for line in lines}) == 1
    full, spare = rows_of(table(file, "parent")).values()
    assert (full["unit_name"], full["county_name"]) == ("A1学校", "A县")
    assert (full["county"], full["channel"], full["population"]) == ("A", "邀请", "parent")
    assert full["overall"] == "不满意"
    assert (full["many.m0"], full["many.m1"], full["many.m8"], full["many.other"]) == tuple("1011")
    assert full["many.other.text"] == f"'{FORMULA}"
    assert (full["stars"], full["hours"], full["children"]) == ("-2", "1.5", "3")
    # The question has the code of a column that all tables have.
    assert full["day~2"] == "1900-01-02"
    assert date.fromisoformat(full["day"])
    assert (full["rooms.hall"], full["rooms.yard"]) == ("不了解", "")
    assert full["comment"] == ODD
    assert (spare["hours"], spare["many.m0"], spare["many.other.text"]) == ("7", "", "")
    assert (spare["comment"], spare["children"], spare["stars"]) == ("", "", "10")
    assert (full["version"], full["locale"], full["doubts"]) == ("1", "zh-CN", "")
    assert list(table(file, "teacher")["overall"]) == ["满意"]


async def test_the_codebook_says_what_every_column_means(answered: Api, settings: Settings) -> None:
    file = await exported(answered, settings)
    lines = codebook(file)
    for name in ("parent", "teacher"):
        variables = [one["variable"] for one in lines if one["table"] == name]
        assert list(dict.fromkeys(variables)) == list(table(file, name).columns)
    good, bad, unsure = of_variable(lines, "overall")
    assert (good["value"], good["value_label_zh"], good["value_label_en"]) == (
        "good",
        "满意",
        "Satisfied",
    )
    assert [one["counts_as"] for one in (good, bad, unsure)] == ["positive", "negative", "excluded"]
    assert (good["label_zh"], good["required"]) == ("总体上， 您满意吗？", "1")
    assert (good["questionnaire"], good["version"]) == ("every", "1")
    [hours] = of_variable(lines, "hours")
    assert (hours["type"], hours["min"], hours["max"]) == ("number", "0", "24")
    [comment] = of_variable(lines, "comment")
    assert comment["visible_if"] == "overall in (bad) or stars <= 3"
    hall = of_variable(lines, "rooms.hall")[0]
    assert (hall["label_en"], hall["page"]) == ("These places – Canteen", "p2")
    not_chosen, chosen = of_variable(lines, "many.other")
    assert (not_chosen["value"], chosen["value"]) == ("0", "1")
    assert chosen["label_zh"] == "哪些？ – 其他"
    assert of_variable(lines, "many.other.text")[0]["question"] == "many.other"
    note = parts(file)["README.txt"].decode("utf-8-sig")
    for said in ("C 2026 年秋季满意度调查", "parent 2", "teacher 1", "妥善保管", "Keep it safe"):
        assert said in note


async def test_a_workbook_has_texts_as_texts(answered: Api, settings: Settings) -> None:
    await respond(answered, "A2", {**FULL, "comment": MARKUP})
    file = await exported(answered, settings, format="xlsx", values="labels")
    book = openpyxl.load_workbook(io.BytesIO(file))
    assert book.sheetnames == ["README", "codebook", "parent", "teacher"]
    lines: list[Any] = list(book["parent"].values)
    kinds = {cell.data_type for row in book["parent"].iter_rows(min_row=2) for cell in row}
    assert kinds == {"n", "s", "inlineStr", "d"} - {"inlineStr" if "s" in kinds else "s"}
    found = {line[1]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    full, spare = found["A1"], found["B1"]
    assert full["many.other.text"] == FORMULA
    assert full["comment"].replace("_x005F_", "_").replace("_x0009_", "\t") == ODD
    assert found["A2"]["comment"] == MARKUP
    assert (full["many.m0"], full["many.m1"], spare["many.m0"]) == (1, 0, None)
    assert (full["stars"], full["hours"], full["children"]) == (-2, 1.5, 3)
    # Excel takes 1900 for a leap year: days before March are texts.
    assert (full["day~2"], spare["day~2"]) == ("1900-01-02", pandas.Timestamp("2026-09-01"))
    assert full["overall"] == "不满意"
    assert book["README"]["A1"].value == "心声导出 / Xinsheng export"
    assert book["codebook"]["A1"].value == "table"
    assert book["codebook"].max_row > 40


async def test_parquet_gives_categories_numbers_and_labels(
    answered: Api, settings: Settings
) -> None:
    file = await exported(answered, settings, format="parquet", values="labels")
    found = parts(file)
    assert set(found) == {"parent.parquet", "teacher.parquet", "codebook.csv", "README.txt"}
    other = fastparquet.ParquetFile(io.BytesIO(found["parent.parquet"])).to_pandas()
    for frame in (other, pandas.read_parquet(io.BytesIO(found["parent.parquet"]))):
        rows = rows_of(frame)
        full, spare = rows["A1"], rows["B1"]
        assert (full["overall"], full["comment"]) == ("不满意", ODD)
        assert (full["many.m0"], full["many.m1"], full["many.other.text"]) == (1, 0, FORMULA)
        assert pandas.isna(spare["many.m0"])
        assert pandas.isna(spare["comment"])
        assert (full["stars"], full["hours"], full["children"]) == (-2, 1.5, 3)
        assert pandas.Timestamp(spare["day~2"]).date() == date(2026, 9, 1)
    stored = pyarrow.parquet.read_table(io.BytesIO(found["parent.parquet"]))
    overall = stored.to_pandas()["overall"].dtype
    assert list(overall.categories) == ["满意", "不满意", "不了解"]
    told = stored.schema.field("overall").metadata
    assert told[b"label.en"].decode() == "Are you satisfied?"
    assert [one["value"] for one in as_json(told[b"values"])] == ["good", "bad", "unsure"]


async def test_a_formula_in_a_label_or_name_is_no_formula_in_a_table(
    admin: Api, settings: Settings
) -> None:
    await every_kind(admin)
    await admin.made("PUT", "/v1/units/A1", {"name": "=2+2", "kind": "school", "parent": "A"})
    await respond(admin, "A1", SPARE)
    assert list(table(await exported(admin, settings), "parent")["unit_name"]) == ["'=2+2"]
    book = openpyxl.load_workbook(io.BytesIO(await exported(admin, settings, format="xlsx")))
    assert [row[2] for row in book["parent"].values] == ["unit_name", "=2+2"]
    assert {cell.data_type for row in book["parent"].iter_rows() for cell in row} <= set("nsd")


async def test_a_population_may_be_called_as_the_codebook_is(
    admin: Api, settings: Settings
) -> None:
    await every_kind(admin)
    six = {"questionnaire": "satisfaction-six", "version": 1}
    body = {"codebook": six, "README": six, "history": six}
    await admin.made("PUT", "/v1/campaigns/C2", campaign_body(populations=body))
    file = await exported(admin, settings, campaign="C2", format="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(file))
    assert book.sheetnames == ["README", "codebook", "codebook~2", "README~2", "history (2)"]
