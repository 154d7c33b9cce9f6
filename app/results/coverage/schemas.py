"""What goes out about coverage."""

from datetime import date

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import Sandbox
from app.core.schemas import Reply
from app.units.schemas import UnitRef


class CoverageRow(Reply):
    """How far one unit is with one target of one population."""

    unit: UnitRef
    population: str = Field(description="The population's code.", examples=["parent"])
    target: str = Field(
        description="The name of one of the population's targets.", examples=["semester"]
    )
    basis: int | None = Field(
        description="What the target is a share of. Heads: the unit's own stated number, else the "
        "sum of what the units below it state. `issued`: the invitations made, of revoked ones "
        "those whose responses count, and what was stated as handed out. Null where nothing is "
        "known.",
        examples=[820],
    )
    basis_missing: int = Field(
        description="Where the basis is a sum: how many units below, nothing of which is known, "
        "it lacks. Then `required` and `gap` are at least so many, `share` leaves their responses "
        "out, and `met` is null unless it is false in any case. Of `issued`: units where nothing "
        "was handed out, and responses came from all the same.",
        examples=[0],
    )
    required: int | None = Field(
        description="The target's share of the basis, rounded up, and its `at_least` at least.",
        examples=[410],
    )
    responded: int = Field(
        description="Persons who responded at this unit or below, through the target's channel "
        "where it names one; of `issued` without a channel, through those by which any "
        "questionnaires of this population were handed out (`link` is that of `wechat` too).",
        examples=[123],
    )
    share: float | None = Field(
        description="responded / basis, not capped at 1; null without a basis, or for one of 0.",
        examples=[0.15],
    )
    met: bool | None = Field(
        description="Whether responded has reached required; null where that is not known.",
        examples=[False],
    )
    gap: int | None = Field(
        description="How many are missing to required; 0 where it is met, null where that is not "
        "known.",
        examples=[287],
    )
    pace: float | None = Field(
        description="Responses a day since `pace_since`, each counted on its day of answering in "
        "Asia/Shanghai, today among them as a whole day. Null while the campaign takes no answers.",
        examples=[20.5],
    )
    expected_on: date | None = Field(
        description="The day at whose end the target is met, if every day from tomorrow on brings "
        "as many as the pace. Null where it is met already, nothing comes in, the basis is not "
        "known in full or moves with the answers, or it is more than a year away.",
        examples=["2026-12-05"],
    )
    on_time: bool | None = Field(
        description="Whether that is no later than the last day on which the campaign is open.",
        examples=[True],
    )


class CoverageOut(Reply):
    """Coverage of one campaign."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    pace_since: date | None = Field(
        description="The first day that the paces are over: six days ago in Asia/Shanghai, or the "
        "day of opening if that is later. Null while the campaign takes no answers.",
        examples=["2026-11-16"],
    )
    rows: list[CoverageRow] = Field(description="In order of unit code, population and target.")
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "as_of": "2026-11-21T08:00:00Z",
                "pace_since": "2026-11-15",
                "rows": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "population": "parent",
                        "target": "semester",
                        "basis": 820,
                        "basis_missing": 0,
                        "required": 410,
                        "responded": 123,
                        "share": 0.15,
                        "met": False,
                        "gap": 287,
                        "pace": 20.5,
                        "expected_on": "2026-12-05",
                        "on_time": True,
                    }
                ],
                "next": None,
            }
        },
    )
