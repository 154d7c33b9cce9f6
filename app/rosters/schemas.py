"""What goes in and out about rosters."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.core.schemas import Body, Code, Reply


class RosterRow(Body):
    """One person of a roster, for one of their children."""

    unit: Code = Field(description="The unit that the answer counts for.", examples=["S1"])
    population: Code = Field(
        description="The code of one of the campaign's populations.", examples=["parent"]
    )
    phone: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None,
        description="The person's own number; without a country's prefix one of mainland China. "
        "Kept as a keyed hash, unless `callable`.",
        examples=["+8613800000000"],
    )
    external_id: Code | None = Field(
        None,
        description="Under which the person stands in your own system; kept as a keyed hash.",
        examples=["F-20391"],
    )
    child: Annotated[int, Field(ge=1, le=9)] | None = Field(
        None, description="Which of the person's children it is about, from 1.", examples=[2]
    )


class RosterOut(Reply):
    """What was made of a roster."""

    roster: int | None = Field(
        description="Under which the new invitations are read; null where none is new.",
        examples=[31],
    )
    rows: int = Field(description="Rows of the list.", examples=[1200])
    created: int = Field(description="Rows that were new: each has an invitation.", examples=[1180])
    known: int = Field(
        description="Rows that stood in a roster of this campaign before, the same.", examples=[20]
    )
    sharing: int = Field(
        description="New rows whose phone or external_id another row has too, for the same child: "
        "of those who share it only one can answer.",
        examples=[4],
    )
