"""What goes in and out about coverage over a school year."""

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import HeadBasis
from app.core.schemas import Code, Reply
from app.results.schemas import Bounds, RowsQuery
from app.units.schemas import UnitRef


class SchoolYearQuery(RowsQuery):
    """Whom to cover over a school year, and of how many."""

    population: Code = Field(description="The population's code in all campaigns.")
    basis: HeadBasis = Field(
        "students", description="What the share is of: heads that units state."
    )
    share: float = Field(
        1.0, gt=0, le=1, description="Which part of the basis is to be reached.", examples=[1.0]
    )


class CampaignShare(Reply):
    """What one campaign has reached."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    basis: int | None = Field(
        description="The heads of the campaign's own period, as in coverage.", examples=[820]
    )
    basis_missing: int = Field(
        description="As in coverage: units below that state no number.", examples=[0]
    )
    responded: int = Field(description="Persons who responded.", examples=[410])
    share: float | None = Field(
        description="responded / basis, as in coverage: not capped at 1.", examples=[0.5]
    )


class SchoolYearRow(Reply):
    """How far one unit is over the school year."""

    unit: UnitRef
    campaigns: list[CampaignShare] = Field(description="By code: all that asked in this unit.")
    bounds: Bounds | None = Field(
        description="Between which the share of persons reached at least once lies: the largest "
        "share of one campaign, and the sum of all, at most 1. Nobody can tell who answered in two "
        "campaigns. Null where no campaign's basis is known.",
        examples=[[0.5, 0.9]],
    )
    exact: bool = Field(description="Whether both are the same, as with one campaign.")
    met: bool | None = Field(
        description="True where the lower bound reaches `share`, false where the upper does not; "
        "null where it cannot be known.",
        examples=[None],
    )


class SchoolYearOut(Reply):
    """Coverage of one population over a school year."""

    year: int = Field(description="2026: 2026-autumn and 2027-spring.", examples=[2026])
    population: str = Field(description="The population's code.", examples=["parent"])
    basis: HeadBasis = Field(description="What shares are of.")
    share: float = Field(description="The part that is to be reached.", examples=[1.0])
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    campaigns: list[str] = Field(
        description="Codes of the campaigns that were taken: of the school year's periods, asking "
        "this population; neither drafts nor sandboxes.",
        examples=[["2026-autumn", "2027-spring"]],
    )
    rows: list[SchoolYearRow] = Field(description="In order of unit code.")
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "year": 2026,
                "population": "parent",
                "basis": "students",
                "share": 1.0,
                "as_of": "2027-04-21T08:00:00Z",
                "campaigns": ["2026-autumn", "2027-spring"],
                "rows": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "campaigns": [
                            {
                                "campaign": "2026-autumn",
                                "basis": 820,
                                "basis_missing": 0,
                                "responded": 410,
                                "share": 0.5,
                            },
                            {
                                "campaign": "2027-spring",
                                "basis": 820,
                                "basis_missing": 0,
                                "responded": 328,
                                "share": 0.4,
                            },
                        ],
                        "bounds": [0.5, 0.9],
                        "exact": False,
                        "met": False,
                    }
                ],
                "next": None,
            }
        },
    )
