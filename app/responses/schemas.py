"""What goes in and out when people answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import Field

from app.campaigns.schemas import Sandbox
from app.core.problems import FieldError, InvalidInput, Malformed, pointer
from app.core.schemas import Body, Reply
from app.questionnaires.schemas import Option, Question
from app.units.schemas import UnitRef

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Locale = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{2,35}$")]
_Child = Annotated[int, msgspec.Meta(ge=1, le=9)]
_Token = Annotated[str, msgspec.Meta(max_length=200)]


class SubmissionIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A response's body; decoded straight from bytes, since parents wait for it."""

    submission_id: UUID
    answers: dict[str, Any]
    started_at: _Instant | None = None
    locale: _Locale | None = None
    device_proof: _Token | None = None
    child: _Child | None = None


_decoder = msgspec.json.Decoder(SubmissionIn)
_FIELD_TYPES: dict[str, tuple[Any, str]] = {
    "submission_id": (UUID, "A UUID made by the client, as text."),
    "answers": (dict[str, Any], "An object: question codes to answers."),
    "started_at": (_Instant | None, "A time as RFC 3339 has it, with its offset, or null."),
    "locale": (_Locale | None, "A language tag such as zh-CN, or null."),
    "device_proof": (_Token | None, "The device_proof of GET /v1/links/{link}, or null."),
    "child": (_Child | None, "Which of the person's children it is about, from 1; or null."),
}


def decode_submission(body: bytes) -> SubmissionIn:
    """A submission from its JSON. Errors: Malformed; InvalidInput with everything wrong."""
    try:
        sent = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _explained(body) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed() from error
    if sent.started_at is not None and not 1970 <= sent.started_at.year <= 2100:
        # Wrong clocks are taken: a phone that has lost its time says 1970. No clock says more.
        message = "A time between 1970 and 2100."
        raise InvalidInput(errors=[FieldError("/started_at", "absurd_date", message)])
    return sent


def _explained(body: bytes) -> InvalidInput | Malformed:
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Malformed()
    if not isinstance(fields, dict):
        return InvalidInput(errors=[FieldError("", "wrong_type", "The body is a JSON object.")])
    errors = [
        FieldError(pointer([name]), "unknown_field", "There is no such field; see /docs.")
        for name in fields
        if name not in _FIELD_TYPES
    ]
    for name, (type_, message) in _FIELD_TYPES.items():
        if name not in fields:
            if name in ("submission_id", "answers"):
                errors.append(FieldError(pointer([name]), "missing", message))
            continue
        try:
            msgspec.convert(fields[name], type_)
        except msgspec.ValidationError:
            errors.append(FieldError(pointer([name]), "wrong_type", message))
    return InvalidInput(errors=errors)


class Accepted(Reply):
    """A stored response."""

    status: Literal["accepted", "replaced"] = Field(
        description="`replaced`: this person's earlier answer gave way, as `keep_last` has it."
    )
    receipt: str = Field(description="Proof of arrival; keep it to withdraw the response later.")


class ReceiptIn(Body):
    """A receipt, in the body so that it stands in no log."""

    receipt: str = Field(max_length=200, description="As the reply to the response gave it.")


class ConsentOut(Reply):
    """Which text a person was shown and agreed to by sending."""

    version: int = Field(description="The version of the questionnaire that it is of.")
    locale: str = Field(description="The language that it was shown in.", examples=["zh-CN"])
    sha256: str = Field(
        description="The SHA-256 of the exact text in UTF-8, in hexadecimal, so that anybody can "
        "compare the text that they hold.",
        examples=["9f86d081884c" + "0" * 52],
    )


class ArrivalOut(Reply):
    """What a receipt proves."""

    status: Literal["accepted", "withdrawn", "replaced", "voided"] = Field(
        description="`accepted`: it counts. Else why not: its person withdrew it, or gave another "
        "answer that stands in its place, or the bureau voided all that came through its link."
    )
    campaign: str = Field(description="The code of the campaign that it answered.")
    received_at: datetime = Field(description="When it arrived.")
    answers: dict[str, Any] | None = Field(
        description="The answers, for the campaign's `answers_shown_minutes`; then null."
    )
    consent: ConsentOut | None = Field(
        None, description="What the person agreed to; null where there was no text to agree to."
    )
    erased_from: datetime = Field(
        description="From then on all that could lead to a person is erased; the receipt goes on "
        "to prove the arrival."
    )


class QuestionnaireView(Reply):
    """A published version as it is asked."""

    code: str = Field(description="The questionnaire's code.", examples=["satisfaction-six"])
    version: int = Field(description="The version that the campaign asks.", examples=[1])
    title: dict[str, str] = Field(
        description="By locale, as all texts are: in every language, or, where `locale` was "
        "asked for, in that one, else in the default.",
        examples=[{"zh-CN": "学校满意度调查"}],
    )
    default_locale: str = Field(description="The language that every text has.", examples=["zh-CN"])
    intro: dict[str, str] | None = Field(None, description="Shown before the questions, by locale.")
    consent: dict[str, str] | None = Field(
        None, description="What people agree to by sending, by locale."
    )
    thanks: dict[str, str] | None = Field(
        None, description="Shown once the answers are stored, by locale."
    )
    scales: dict[str, list[Option]] = Field(
        description="Options that several questions share, by code."
    )
    questions: list[Question] = Field(description="In the order in which they are asked.")


class LinkView(Reply):
    """What a client needs to show a link's questionnaire and to send its answers."""

    campaign: dict[str, str] = Field(description="`code` and `title`.")
    sandbox: Sandbox = False
    purpose: str | None = Field(description="What the answers are for, where the bureau says so.")
    erased_from: datetime = Field(
        description="From then on all that could lead to a person is erased."
    )
    unit: UnitRef
    population: str = Field(
        description="The code of the population that it asks.", examples=["parent"]
    )
    state: Literal["not_open_yet", "open", "closed", "revoked"] = Field(
        description="Whether answers are taken now, or why not."
    )
    device_proof: str | None = Field(
        description="Keep it on the device and send it back; null where devices are not admitted."
    )
    questionnaire: QuestionnaireView
