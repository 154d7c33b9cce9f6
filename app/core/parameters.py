"""Query parameters: one that an address does not know, or that comes twice, is refused.

Otherwise a misspelt filter would be answered with everything.
"""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

_MEANT = {"within": "unit", "unit": "within"}
"""What is called so at some addresses is called otherwise at others."""
_LONGEST_NAME = 64


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from model.model_fields
        else:
            yield parameter.alias
    for other in dependant.dependencies:
        yield from _names(other)


def _wrong_values(dependant: Dependant, request: Request) -> Iterator[dict[str, Any]]:
    _, errors = request_params_to_args(dependant.query_params, request.query_params)
    yield from errors
    for other in dependant.dependencies:
        yield from _wrong_values(other, request)


def refuse_unknown_parameters(request: Request) -> None:
    """Errors: RequestValidationError naming the parameters that the request's address does not
    take, and with them whatever else is wrong with the query."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = frozenset(_names(route.dependant))
    given = Counter(name for name, _ in request.query_params.multi_items())
    errors = [
        _error(name[:_LONGEST_NAME], "unknown_parameter", _message(name[:_LONGEST_NAME], known))
        for name in given
        if name not in known
    ]
    errors += [
        _error(name, "repeated_parameter", "Give each parameter once.")
        for name, times in given.items()
        if name in known and times > 1
    ]
    if errors:
        # Models refuse names that they do not know by themselves: those have been told above.
        wrong = _wrong_values(route.dependant, request)
        errors += [one for one in wrong if one["type"] != "extra_forbidden"]
        raise RequestValidationError(errors)


def _error(name: str, code: str, message: str) -> dict[str, Any]:
    return {"type": code, "loc": ("query", name), "msg": message}


def _message(name: str, known: frozenset[str]) -> str:
    if not known:
        return "This address takes no parameters."
    listed = f"The parameters here are {', '.join(sorted(known))}."
    meant = [one for one in (_MEANT.get(name),) if one in known]
    for one in meant or get_close_matches(name, sorted(known), 1):
        return f"Did you mean {one}? {listed}"
    return listed
