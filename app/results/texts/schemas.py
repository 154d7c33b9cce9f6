"""What goes in and out about text answers."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from app.campaigns.schemas import Channel, Sandbox
from app.core.schemas import Body, Code, Cursor, Limit, Reply
from app.results.schemas import OfChannel, OfPopulation, Quality, Within
from app.units.schemas import UnitRef


class AnswersQuery(Body):
    """Which text answers to read."""

    question: Code = Field(
        description="The code of a text question, or `code.option` for the text that goes with an "
        "option.",
        examples=["comment"],
    )
    within: Within = None
    population: OfPopulation = None
    channel: OfChannel = None
    quality: Quality = "all"
    contains: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None,
        description="Only texts that hold these characters; capitals and small letters are the "
        "same.",
        examples=["食堂"],
    )
    limit: Limit = Field(100, description="Answers in a page, at most.")
    cursor: Cursor | None = Field(None, description="`next` of the page before.")


class TextAnswer(Reply):
    """What one person wrote. Nothing here says who."""

    unit: UnitRef
    population: str = Field(description="The population's code.", examples=["parent"])
    channel: Channel = Field(description="How the response came in.", examples=["link"])
    day: date = Field(description="The day in Asia/Shanghai of answering.")
    text: str = Field(description="As it was written.", examples=["希望多一些体育活动"])


class AnswersOut(Reply):
    """One page of the answers to a text question."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    question: str = Field(description="The question's code.", examples=["comment"])
    items: list[TextAnswer] = Field(
        description="Of counted responses, population by population, shuffled: always in the same "
        "order, which says nothing of when they came. A page can hold fewer than `limit`, even "
        "none: only a `next` of null is the end."
    )
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "question": "comment",
                "items": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "population": "parent",
                        "channel": "link",
                        "day": "2026-11-20",
                        "text": "希望多一些体育活动",
                    }
                ],
                "next": None,
            }
        },
    )
