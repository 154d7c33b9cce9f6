"""What goes out about links and batches together with what came through them."""

from pydantic import Field

from app.links.schemas import BatchOut, LinkOut


class LinkStanding(LinkOut):
    """A link, and what came through it."""

    answered: int = Field(
        description="Counted responses that came through it; withdrawn ones are not among them.",
        examples=[412],
    )


class BatchStanding(BatchOut):
    """A batch of invitations, and what came of it."""

    answered: int | None = Field(
        description="Invitations through which a response came that counts; null for a roster's "
        "batch of fewer than the campaign's `min_cell`, whose people are known.",
        examples=[640],
    )
    unused: int | None = Field(
        description="All others, or null likewise; after a withdrawal an invitation can be used "
        "again.",
        examples=[360],
    )
