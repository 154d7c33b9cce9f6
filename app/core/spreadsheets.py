"""Text that is safe in a CSV which people open with a spreadsheet program."""

from collections.abc import Sequence
from decimal import Decimal

BYTE_ORDER_MARK = "\ufeff"
"""What such a file begins with: Excel takes one without it for the computer's own encoding."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a formula of a cell that begins so; full-width forms do in East Asian settings."""


def defused(text: str) -> str:
    """The text; behind an apostrophe, which makes it plain text, where it would be run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def in_full(number: float) -> str:
    """The number without an exponent, which spreadsheets read in their own ways."""
    return format(Decimal(repr(number)), "f")


def cell(value: object) -> str:
    """What stands in a cell: nothing for None, numbers plain and in full, the items of a list with
    blanks between; all that is text is defused."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return in_full(value)
        case Sequence() if not isinstance(value, str):
            return defused(" ".join(map(cell, value)))
        case _:
            return defused(str(value))
