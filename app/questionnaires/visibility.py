"""`visible_if` as it goes in and out: conditions upon earlier answers."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code
from app.questionnaires.texts import MAX_OPTIONS, Day, Maybe, Value

MAX_NESTING = 20
"""Lists and objects inside one another in a `visible_if`: `not` in `all` counts three."""
Compared = Value | Annotated[int, Field(strict=True, description="For ratings.")]

Bound = float | Day


class Comparison(Body):
    """A condition upon the answer to an earlier question; exactly one comparison."""

    question: Code
    in_: Maybe[list[Compared]] = Field(
        None,
        alias="in",
        min_length=1,
        max_length=MAX_OPTIONS,
        description="Answered with one of these values.",
    )
    not_in: Maybe[list[Compared]] = Field(
        None,
        min_length=1,
        max_length=MAX_OPTIONS,
        description="Unanswered, or answered with none of these values.",
    )
    gte: Maybe[Bound] = Field(
        None, description="Answered with a number of at least this, or a day from this one on."
    )
    lte: Maybe[Bound] = Field(
        None, description="Answered with a number of at most this, or a day up to this one."
    )
    answered: Maybe[bool] = Field(None, description="Answered at all, or, if false, not.")

    @model_validator(mode="after")
    def _one(self) -> "Comparison":
        given = (self.in_, self.not_in, self.gte, self.lte, self.answered)
        if sum(one is not None for one in given) != 1:
            raise PydanticCustomError(
                "one_comparison", "Give exactly one of in, not_in, gte, lte, answered."
            )
        return self


class AllOf(Body):
    """True when all conditions are."""

    all: list["Condition"] = Field(
        min_length=1, max_length=50, description="Conditions that must all hold."
    )


class AnyOf(Body):
    """True when at least one condition is."""

    any: list["Condition"] = Field(
        min_length=1, max_length=50, description="Conditions of which one must hold."
    )


class Not(Body):
    """True when the condition is not."""

    not_: "Condition" = Field(alias="not", description="The condition that must not hold.")


def _form(condition: Any) -> str:
    if not isinstance(condition, dict):
        return type(condition).__name__
    forms = {"all": "AllOf", "any": "AnyOf", "not": "Not"}
    return next((form for name, form in forms.items() if name in condition), "Comparison")


Condition = Annotated[
    Annotated[Comparison, Tag("Comparison")]
    | Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[Not, Tag("Not")],
    Discriminator(
        _form,
        custom_error_type="wrong_condition",
        custom_error_message="Give a comparison, or an object of `all`, `any` or `not`.",
    ),
]


def shallow(condition: Any) -> Any:
    """Refuse nesting that recursive code could not follow. Walks without recursion itself."""
    level = [condition]
    for _ in range(MAX_NESTING + 1):
        nested = [one for one in level if isinstance(one, dict | list)]
        if not nested:
            return condition
        level = [
            inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)
        ]
    raise PydanticCustomError("too_deep", "Nest conditions less deeply.")
