"""What goes in and out about exports."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.schemas import Body, Code, Reply
from app.counts.selection import Source
from app.results.schemas import (
    DIMENSIONS,
    OF_RELEASE,
    By,
    OfChannel,
    OfPopulation,
    Quality,
    ReleaseNumber,
    Within,
)
from app.units.schemas import Kind

Format = Literal["csv", "xlsx", "parquet"]
Locale = Literal["zh-CN", "en"]


class _ExportIn(Body):
    format: Format = Field(
        description="`csv` and `parquet` come as a ZIP with a codebook and a note, `xlsx` has "
        "them as sheets."
    )
    population: OfPopulation = None
    within: Within = None
    channel: OfChannel = None
    quality: Quality = "all"


class ResponsesExportIn(_ExportIn):
    """Single responses without identities, a row each. Needs responses:read."""

    content: Literal["responses"] = Field(description="What is exported.")
    locale: Locale = Field("zh-CN", description="The language of labels.")
    values: Literal["codes", "labels"] = Field(
        "codes", description="What stands for an answer to a single choice; the codebook has both."
    )


class ResultsExportIn(_ExportIn):
    """The figures of /results, a row each: live with results:exact, else the latest release."""

    content: Literal["results"] = Field(description="What is exported.")
    by: By = Field(
        "unit,population,channel,question",
        description=f"Any of {', '.join(DIMENSIONS)}, separated by commas; what is left out is "
        "summed over.",
    )
    level: Kind = Field("school", description="The kind of unit that rows are for.")
    question: Code | None = Field(None, description="Only this question.")
    source: Source = Field(
        "all", description="Single responses, counts that were aggregated elsewhere, or both."
    )
    release: ReleaseNumber | None = Field(None, description=OF_RELEASE)


ExportIn = Annotated[ResponsesExportIn | ResultsExportIn, Field(discriminator="content")]


class ExportOut(Reply):
    """A file that was made, and is kept for some days."""

    id: UUID = Field(description="That of its job.")
    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    content: Literal["responses", "results"] = Field(description="What is in it.")
    format: Format = Field(description="How it is written.")
    file: str = Field(
        description="Where it is read.",
        examples=["/v1/exports/4b1c8f0e-7a54-4d0e-9a4e-0c6f2f5d8a11/file"],
    )
    file_name: str = Field(
        description="What it is called.", examples=["2026-autumn-responses-20261122.xlsx"]
    )
    rows: int = Field(description="Rows in all its tables.", examples=[12_000])
    size: int = Field(description="Bytes.", examples=[1_843_200])
    sha256: str = Field(description="The digest of the file, in hexadecimal.")
    as_of: datetime = Field(description="What was acknowledged before then is in it.")
    made_at: datetime = Field(description="When it was finished.")
    expires_at: datetime = Field(description="From then on it is gone.")
