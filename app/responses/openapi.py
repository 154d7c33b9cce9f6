"""The hot routes in the OpenAPI document, which FastAPI does not see."""

from typing import Any

import msgspec

from app.core.problems import Busy, Malformed, NotFound, TooLarge, replies
from app.identity.problems import IdentityRequired
from app.questionnaires.problems import InvalidAnswers
from app.responses.problems import (
    AlreadyAnswered,
    Closed,
    LinkRevoked,
    NotOpenYet,
    SubmissionConflict,
    Withdrawn,
)
from app.responses.schemas import Accepted, SubmissionIn

_EXAMPLE = {
    "submission_id": "7d0c7a0e-57ba-4dd1-a9d4-1c33e2b2f4d4",
    "answers": {"overall": "satisfied", "improve": ["a", "b"], "homework": 45},
    "started_at": "2026-11-02T10:21:00+08:00",
    "locale": "zh-CN",
}
_DESCRIPTIONS = {
    "submission_id": "A UUID made by the client, kept for every repetition of the same response.",
    "answers": "Answers by question code; null is no answer.",
    "started_at": "When the person began to answer.",
    "locale": "The language that the questions were shown in.",
    "device_proof": "From GET /v1/links/{link}, where the campaign admits devices.",
    "child": "Which of the person's children it is about, from 1, where the population has "
    "`max_children`; an invitation of a roster says it by itself.",
}
_PROBLEMS = (
    Malformed,
    IdentityRequired,
    NotFound,
    AlreadyAnswered,
    SubmissionConflict,
    Closed,
    LinkRevoked,
    Withdrawn,
    TooLarge,
    InvalidAnswers,
    NotOpenYet,
    Busy,
)


def describe_answering(document: dict[str, Any]) -> None:
    """Add the two addresses that take responses, and their schemas."""
    schemas = document["components"]["schemas"]
    schemas["Submission"] = _submission_schema()
    schemas["Accepted"] = Accepted.model_json_schema()
    paths = document["paths"]
    paths["/v1/links/{link}/responses"] = {
        "post": _operation("Answer through a link", "link", "The link's code.")
    }
    paths["/v1/invitations/{token}/responses"] = {
        "post": _operation("Answer by an invitation", "token", "The invitation's token.")
    }


def _submission_schema() -> dict[str, Any]:
    _, components = msgspec.json.schema_components([SubmissionIn])
    schema: dict[str, Any] = dict(components["SubmissionIn"])
    for name, description in _DESCRIPTIONS.items():
        schema["properties"][name] = {**schema["properties"][name], "description": description}
    return {**schema, "title": "Submission", "description": "A response's body."}


def _operation(summary: str, parameter: str, description: str) -> dict[str, Any]:
    body = {"schema": {"$ref": "#/components/schemas/Submission"}, "example": _EXAMPLE}
    return {
        "tags": ["answering"],
        "summary": summary,
        "operationId": summary.lower().replace(" ", "_"),
        "description": (
            "Needs no token. Stored once: the same submission_id with the same answers gets the "
            "same receipt again, whatever has become of the campaign since."
        ),
        "parameters": [
            {
                "name": parameter,
                "in": "path",
                "required": True,
                "description": description,
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "201": _accepted("Stored."),
            "200": _accepted("Stored before, with the same answers."),
            **{str(status): reply for status, reply in replies(*_PROBLEMS).items()},
        },
    }


def _accepted(description: str) -> dict[str, Any]:
    example = {"status": "accepted", "receipt": "AAAAAX0Meg5Xuk3RqdQcM-Ky9NRDc0Zk1N0vGQ"}
    schema = {"$ref": "#/components/schemas/Accepted"}
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
