"""What a browser's form sends, read back into answers.

No answer is refused here: what cannot be understood goes on as it came, and the validator says
what is wrong with it, as it does for every other client.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from app.core.problems import Malformed
from app.core.schemas import storable
from app.questionnaires.answerable import Answered, answerable
from app.questionnaires.schemas import Definition, MultipleChoice, Number, Rating

PREFIX = "q."
_MAX_FIELDS = 5_000
_LONGEST_NUMBER = 40
_RATING = re.compile(r"-?[0-9]{1,3}")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)")


@dataclass(frozen=True, slots=True)
class Form:
    """One form as it was sent: every field with all its values, in order."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str | None:
        """The first value of a field; None where it is missing or empty."""
        return self.fields.get(name, [""])[0] or None

    @property
    def submission_id(self) -> UUID:
        """The id that the page was given. Errors: Malformed."""
        try:
            return UUID(self.one("submission_id") or "")
        except ValueError as error:
            raise Malformed() from error

    @property
    def started_at(self) -> datetime | None:
        """When the page was made, where the form says so in a form that can be read."""
        try:
            instant = datetime.fromisoformat(self.one("started_at") or "")
        except ValueError:
            return None
        return instant if instant.tzinfo is not None else None

    def given(self, code: str) -> list[str]:
        """What was filled in for a question, as it was."""
        return self.fields.get(PREFIX + code, [])

    def answers(self, definition: Definition) -> dict[str, Any]:
        """The answers by question code, with the types that the validator asks for."""
        found: dict[str, Any] = {
            name[len(PREFIX) :]: values
            for name, values in self.fields.items()
            if name.startswith(PREFIX)
        }
        for asked, *_ in answerable(definition):
            values = found.get(asked.code, [])
            if isinstance(asked, MultipleChoice):
                found[asked.code] = [value for value in values if value]
            elif len(values) == 1:
                found[asked.code] = _typed(asked, values[0])
        return found


def read(body: bytes) -> Form:
    """The form in a body of type application/x-www-form-urlencoded. Errors: Malformed."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError as error:
        raise Malformed() from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Form(fields)


def showable(text: str) -> str:
    """A text without the characters that no page may hold."""
    return text if storable(text) else "".join(one for one in text if storable(one))


def number_of(text: str) -> int | float | None:
    """The number in a text as people type it: full-width digits, spaces, thousands' commas."""
    if len(text) > _LONGEST_NUMBER:
        return None
    plain = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")
    plain = "".join(plain.split())
    if not _NUMBER.fullmatch(plain):
        return None
    number = float(plain.replace(",", ""))
    return int(number) if number.is_integer() else number


def _typed(question: Answered, text: str) -> Any:
    if isinstance(question, Rating) and _RATING.fullmatch(text):
        return int(text)
    if isinstance(question, Number):
        number = number_of(text)
        return text if number is None else number
    return text
