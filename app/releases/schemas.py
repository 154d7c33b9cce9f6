"""What goes out about releases."""

from pydantic import AwareDatetime, Field, field_validator

from app.core.schemas import Reply


class ReleaseOut(Reply):
    """A frozen, numbered set of figures, as everybody with results:read sees it."""

    number: int = Field(description="From 1, in the order of making.", examples=[3])
    as_of: AwareDatetime = Field(
        description="Responses acknowledged before are among its respondents."
    )
    final: bool = Field(
        description="Made after the last delivery: small remainders are pooled, and none follows."
    )
    min_cell: int = Field(
        description="Persons that a cell has, and gains, before its figures are shown anew.",
        examples=[10],
    )
    respondents: int = Field(description="Persons with a counted response.", examples=[1212])
    included: int = Field(
        description="Those of them whose answers are in its figures.", examples=[1190]
    )
    hidden: int = Field(
        description="Cells (unit, population, channel) with respondents and no figures.",
        examples=[4],
    )
    digest: str = Field(
        description="SHA-256 of all that it shows, in hexadecimal: the same for ever."
    )

    @field_validator("digest", mode="before")
    @classmethod
    def _in_hexadecimal(cls, digest: object) -> object:
        return digest.hex() if isinstance(digest, bytes) else digest
