"""Query parameters: one that an address does not know, or that comes twice, is refused.

Otherwise a misspelt filter would be answered with everything.
"""

from collections import Counter
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.core.problems import FieldError, InvalidInput


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from model.model_fields
        else:
            yield parameter.alias
    for other in dependant.dependencies:
        yield from _names(other)


def refuse_unknown_parameters(request: Request) -> None:
    """Errors: InvalidInput naming the parameters that the request's address does not take."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = frozenset(_names(route.dependant))
    given = Counter(name for name, _ in request.query_params.multi_items())
    errors = [
        FieldError(f"?{name[:64]}", "unknown_parameter", _message(known))
        for name in given
        if name not in known
    ]
    errors += [
        FieldError(f"?{name}", "repeated_parameter", "Give each parameter once.")
        for name, times in given.items()
        if name in known and times > 1
    ]
    if errors:
        raise InvalidInput(errors=errors)


def _message(known: frozenset[str]) -> str:
    if not known:
        return "This address takes no parameters."
    return f"The parameters here are {', '.join(sorted(known))}."
