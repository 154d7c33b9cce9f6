"""Templates made into HTML; everything that is put into one is escaped."""

from pathlib import Path
from typing import Any

from app.core.templates import templates

_environment = templates(Path(__file__).parent / "templates")


def render(template: str, **values: Any) -> str:
    """The HTML of a template. Errors: UndefinedError where it names a value that is not given."""
    return _environment.get_template(template).render(values)
