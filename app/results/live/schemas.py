"""What goes out about live results."""

from pydantic import AwareDatetime, Field

from app.core.schemas import Reply


class TicketOut(Reply):
    """What opens the stream once, without a header."""

    ticket: str = Field(description="Pass it as `?ticket=` of the stream, once.")
    expires_in: int = Field(description="Seconds until it is worth nothing.", examples=[60])


class PopulationNow(Reply):
    """One population's figures, over all that the client sees."""

    population: str = Field(description="The population's code.", examples=["parent"])
    respondents: int = Field(description="Persons with a counted response.", examples=[1212])
    included: int = Field(
        description="Those of them whose answers are in the rate, as in results.", examples=[1196]
    )
    rate: float | None = Field(
        description="The pooled rate of the indicator questions; null without votes.",
        examples=[0.9473684210526315],
    )


class ResultsEvent(Reply):
    """The data of a `results` event: the campaign's state, as of a moment."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    as_of: AwareDatetime
    exact: bool = Field(description="True: live. False: of the latest release.")
    release: int | None = Field(None, description="The release's number, where it is of one.")
    populations: list[PopulationNow]
