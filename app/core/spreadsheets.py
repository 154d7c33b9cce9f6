"""Text that is safe in a CSV which people open with a spreadsheet program."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a formula of a cell that begins so; full-width forms do in East Asian settings."""


def defused(text: str) -> str:
    """The text; behind an apostrophe, which makes it plain text, where it would be run."""
    return f"'{text}" if text.startswith(_FORMULA) else text
