"""Errors as part of the interface: problem documents (RFC 9457) with a stable type.

Every room declares its own in its `problems.py`; raising one ends the request with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

MEDIA_TYPE = "application/problem+json"
_MAX_STEP = 100


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with the input.

    `pointer` is a JSON pointer into the body (`/answers/ethics`), `?name` for a query parameter,
    `/rows/7/kind` for a file. `message` says what would be right and never quotes a value.
    """

    pointer: str
    code: str
    message: str

    def document(self) -> dict[str, str]:
        """The error as it stands in a reply."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


class Problem(Exception):
    """The base of all problems; a subclass is a type, an instance one occurrence."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    """What happened, in one line."""
    remedy: ClassVar[str]
    """What the caller can do about it; the detail where none is given."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.remedy
        self.errors = tuple(errors)
        self.headers = headers or {}

    def document(self, request_id: str) -> dict[str, Any]:
        """The problem document, as RFC 9457 names its members."""
        return {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": [error.document() for error in self.errors],
        }


class InvalidInput(Problem):
    slug, status = "invalid-input", 422
    title = "The input is not valid"
    remedy = "Correct what `errors` lists and send it again."


class Malformed(Problem):
    slug, status = "malformed", 400
    title = "The body cannot be read"
    remedy = "Send well-formed JSON in UTF-8, nested no deeper than the documented form."


class MalformedRequest(Problem):
    slug, status = "malformed-request", 400
    title = "The request is not well-formed HTTP"
    remedy = "Leave it to a library to make requests; this connection is closed."


class NotFound(Problem):
    slug, status = "not-found", 404
    title = "There is nothing here"
    remedy = "Check the code in the address; what lies outside your unit's subtree is not shown."


class MethodNotAllowed(Problem):
    slug, status = "method-not-allowed", 405
    title = "This address does not take this method"
    remedy = "The Allow header lists the methods that it takes; /docs describes them."


class RequestTimeout(Problem):
    slug, status = "request-timeout", 408
    title = "The request did not arrive in time"
    remedy = "Send the same again over a new connection; this one is closed."


class TooLarge(Problem):
    slug, status = "too-large", 413
    title = "The body is too large"
    remedy = "Send less at once: the limit of this address is in /docs."


class UriTooLong(Problem):
    slug, status = "uri-too-long", 414
    title = "The address is too long"
    remedy = "Send an address of at most 8 KB."


class UnsupportedMediaType(Problem):
    slug, status = "unsupported-media-type", 415
    title = "This content type is not taken here"
    remedy = "Send one of the content types that /docs lists for this address."


class UnknownHost(Problem):
    slug, status = "unknown-host", 421
    title = "The service is not known by this name"
    remedy = "Use the address that the operator gave; XINSHENG_ALLOWED_HOSTS can add names."


class HeadersTooLarge(Problem):
    slug, status = "headers-too-large", 431
    title = "There is too much in the headers"
    remedy = "Send at most 100 headers of 32 KB together; clearing cookies may help."


class IdempotencyKeyMissing(Problem):
    slug, status = "idempotency-key-missing", 400
    title = "The header Idempotency-Key is missing"
    remedy = "Send a new random key with each new request, and the same key when you repeat one."


class IdempotencyKeyReused(Problem):
    slug, status = "idempotency-key-reused", 422
    title = "This Idempotency-Key came before with another request"
    remedy = "Use a new key for a new request; repeat a request with its body unchanged."


class IdempotencyKeyInFlight(Problem):
    slug, status = "idempotency-key-in-flight", 409
    title = "A request with this Idempotency-Key is still being worked on"
    remedy = "Wait for its reply, or repeat it in a few seconds."


class Busy(Problem):
    slug, status = "busy", 503
    title = "The service is busy"
    remedy = (
        "Send the same again after the seconds in Retry-After. Should it have been stored just "
        "before the connection was lost, it is not stored twice."
    )

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class InternalError(Problem):
    slug, status = "internal-error", 500
    title = "Something went wrong on our side"
    remedy = "Nothing was stored. Tell the operator the request_id."


def catalogue() -> list[type[Problem]]:
    """Every problem type that has been declared, by slug."""
    found: dict[str, type[Problem]] = {}
    waiting = list(Problem.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting.extend(one.__subclasses__())
        if "slug" in vars(one):
            found[one.slug] = one
    return [found[slug] for slug in sorted(found)]


def replies(*types: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route for OpenAPI: each status with an example of every type."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for one in types:
        reply = by_status.setdefault(one.status, _empty_reply())
        reply["description"] = " · ".join(filter(None, [reply["description"], one.title]))
        content = reply["content"][MEDIA_TYPE]
        content["examples"][one.slug] = {"summary": one.title, "value": one().document("f3a9")}
    return by_status


def _empty_reply() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "", "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901) from the steps of a path; a step of absurd length is cut."""
    return "".join("/" + _step(step) for step in path)


def _step(step: str | int) -> str:
    # An unknown field's name comes from outside: it may be huge or no valid Unicode.
    printable = str(step)[:_MAX_STEP].encode("utf-8", "replace").decode()
    return printable.replace("~", "~0").replace("/", "~1")
