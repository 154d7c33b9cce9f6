"""What goes in and out about publications."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.campaigns.schemas import Channel, Target
from app.core.schemas import Body, Reply, Text
from app.releases.schemas import ReleaseOut
from app.results.ranking.schemas import BottomUnit, Equity
from app.results.schemas import Composite
from app.telephone.reconciliation.schemas import Signature
from app.units.schemas import Kind, UnitRef

Section = Literal["statement", "rows", "ranking", "coverage", "changes", "questionnaires"]
Number = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _distinct(levels: list[Kind]) -> list[Kind]:
    if len(set(levels)) < len(levels):
        raise PydanticCustomError("repeated", "Name each only once.")
    return levels


class PublicationIn(Body):
    """What to publish, and under which title."""

    title: _Line = Field(
        description="As the bulletin 通报 has it.",
        examples=["2026 年秋季满意度测评通报（第 1 号）"],
    )
    note: Text | None = Field(None, description="What else is to be said with it.")
    release: Number | None = Field(
        None, description="The number of the release to publish; the latest by default."
    )
    levels: Annotated[list[Kind], AfterValidator(_distinct)] = Field(
        ["county", "school"],
        max_length=7,
        description="The kinds of units that it has rows, ranks and coverage of; the whole "
        "campaign is in it always.",
    )
    corrects: Number | None = Field(
        None, description="The number of the publication that this one takes the place of."
    )
    reason: Text | None = Field(
        None, description="Why that is corrected: required with `corrects`, refused without."
    )

    @model_validator(mode="after")
    def _reason_of_correction(self) -> "PublicationIn":
        if (self.corrects is None) != (self.reason is None):
            raise PydanticCustomError(
                "reason_of_correction", "Give `corrects` and `reason` both, or neither of them."
            )
        return self


class PublishedPopulation(Reply):
    """A population as it was counted."""

    code: str = Field(description="The population's code.", examples=["parent"])
    weight: float | None = Field(description="As the campaign gave it.", examples=[0.4])
    questionnaire: str = Field(description="Its code.", examples=["satisfaction-six"])
    version: int = Field(description="Its version.", examples=[1])
    definition_sha256: str = Field(
        description="Of that version, as its line in the section `questionnaires` has it: in "
        "canonical form."
    )
    targets: list[Target] = Field(description="What coverage is measured against.")
    dont_know: int | None = Field(
        description="Don't-know votes on the indicators, in no rate; null where hidden.",
        examples=[31],
    )


class Excluded(Reply):
    """How many responses there were of what is and is not counted, when it was published.

    Null below the campaign's min_cell; told anew only once they have changed by so many.
    """

    withdrawn: int | None = Field(None, description="Withdrawn by their persons: not counted.")
    superseded: int | None = Field(
        None,
        description="Replaced by the person's later answer or the contractor's revision: only the "
        "last one is counted.",
    )
    voided: int | None = Field(None, description="Voided with their link or batch: not counted.")
    doubtful: int | None = Field(None, description="Flagged as doubtful: counted.")


class Method(Reply):
    """How the figures came about: all that is needed to compute them again."""

    formulas: dict[str, dict[str, str]] = Field(
        description="In words, by what they are of, in Chinese and English."
    )
    region: UnitRef
    period: str | None = Field(description="Of enrolment.", examples=["2026-autumn"])
    populations: list[PublishedPopulation] = Field(description="In the campaign's order.")
    headline_channels: list[Channel] | None = Field(description="Ranked by; null: by all.")
    min_rank: int = Field(description="The n below which no unit is ranked.", examples=[30])
    min_cell: int = Field(description="Persons below which a cell is hidden.", examples=[10])
    interval_level: float = Field(description="Of all intervals.", examples=[0.95])
    excluded: Excluded
    software: str = Field(description="What computed it.", examples=["xinsheng 0.1.0"])


class PublishedRanking(Reply):
    """What a ranking says as a whole; its rows are in the section `ranking`."""

    level: Kind = Field(description="The kind of unit that is ranked.")
    population: str | None = Field(description="Null: the composite of all.", examples=["parent"])
    ranked: int = Field(description="How many units are ranked.", examples=[96])
    equity: Equity
    bottom: list[BottomUnit] = Field(description="后10名, as in the ranking.")


class Term(Reply):
    """One thing that is not what it was in the publication that is corrected."""

    name: str = Field(description="Where it stands.", examples=["method.min_rank"])
    before: Any = Field(description="There; null where it was not.", examples=[30])
    after: Any = Field(description="Here; null where it is no more.", examples=[20])


class Changes(Reply):
    """What a correction changed, in numbers; row by row in the section `changes`."""

    figures_changed: bool = Field(description="False: every figure is what it was.")
    said: dict[str, str] = Field(
        description="The same in words.",
        examples=[{"zh-CN": "没有数字变化。", "en": "No figure changed."}],
    )
    rows: dict[str, dict[str, int]] = Field(
        description="By section, how many rows changed, came and are gone.",
        examples=[{"rows": {"changed": 12, "came": 0, "gone": 1}}],
    )
    terms: list[Term] = Field(description="Of the release, the levels, the method, the composite.")


class SectionDigest(Reply):
    """The content of a section."""

    lines: int = Field(description="How many rows it has.", examples=[21000])
    bytes: int = Field(description="Its length.", examples=[9127333])
    sha256: str = Field(description="As `sha256sum` prints it of what its address gives.")


class Statement(Reply):
    """All that a publication says: signed, and never changed."""

    kind: Literal["publication"] = Field(description="What this is.")
    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    campaign_title: str = Field(description="As it was then.")
    number: int = Field(description="From 1, by campaign.", examples=[1])
    title: str = Field(description="As its bureau gave it.")
    note: str | None = Field(description="As its bureau gave it.")
    made_at: AwareDatetime = Field(description="When it was published.")
    corrects: int | None = Field(description="The publication that it takes the place of.")
    reason: str | None = Field(description="Why that was corrected.")
    release: ReleaseOut
    levels: list[Kind] = Field(description="The kinds of units that it has rows of.")
    composite: Composite | None = Field(description="Of campaigns with several populations.")
    rankings: list[PublishedRanking] = Field(description="By level and population.")
    method: Method
    sections: dict[str, SectionDigest] = Field(description="By name.")
    changes: Changes | None = Field(description="Of corrections.")


class PublicSignature(Signature):
    """By whom a publication is signed."""

    public_key: str = Field(
        description="The key that verifies it, in base64url: trust it where it is the one that "
        "GET /v1/signing-keys showed at the time, or the bureau names it."
    )


class PublicationOut(Reply):
    """A publication: its statement, what proves it, and what became of it."""

    corrected_by: int | None = Field(description="The publication that takes its place.")
    digest: str = Field(description="SHA-256 of the statement: print it with the bulletin.")
    signature: PublicSignature = Field(description="Over the bytes of the section `statement`.")
    statement: Statement


class PublicationLine(Reply):
    """A publication in the list."""

    number: int = Field(description="From 1, by campaign.", examples=[1])
    title: str = Field(description="As its bureau gave it.")
    made_at: AwareDatetime = Field(description="When it was published.")
    release: int = Field(description="The release that its figures are of.", examples=[3])
    corrects: int | None = Field(description="The publication that it takes the place of.")
    corrected_by: int | None = Field(description="The publication that takes its place.")
    digest: str = Field(description="SHA-256 of its statement.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "number": 1,
                "title": "2026 年秋季满意度测评通报（第 1 号）",
                "made_at": "2026-12-01T01:00:00Z",
                "release": 3,
                "corrects": None,
                "corrected_by": None,
                "digest": "…",
            }
        },
    )
