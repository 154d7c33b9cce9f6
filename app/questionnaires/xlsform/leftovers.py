"""What stands in a file and was not read: a line of the report for each."""

from collections.abc import Iterable

from app.questionnaires.xlsform.report import Findings
from app.questionnaires.xlsform.sheets import Row

_MESSAGES = "Messages are the page's own, in the reader's language: leave it out."
_MEDIA = "Pictures and sounds are not shown: leave it out."
_ADVICE = {
    "bind::jr:constraintMsg": _MESSAGES,
    "bind::jr:requiredMsg": _MESSAGES,
    "bind::jr:noAppErrorString": _MESSAGES,
    "bind::calculate": "Nothing is calculated: results count what people answered.",
    "bind::readonly": "Nothing is shown that cannot be answered: use a note.",
    "bind::constraint": "This has no limits of its own: leave it out.",
    "bind::relevant": "This has no condition of its own: write it at the group around it.",
    "bind::required": "This is not required by itself: write it at its questions.",
    "control::appearance": "How it looks is the page's own: leave it out.",
    "control::jr:count": "Nothing is repeated here: what stands in it is asked once.",
    "control": "How it looks is the page's own: leave it out.",
    "body": "How it looks is the page's own: leave it out.",
    "style": "How it looks is the page's own: leave it out.",
    "choice_filter": "Options are not filtered: all are shown. Use a question for each case.",
    "disabled": "Groups are not disabled: disable the questions in them.",
    "default": "Nothing is answered beforehand: leave it out.",
    "trigger": "Nothing is calculated: leave it out.",
    "guidance_hint": "Hints are shown to everybody: write what people need in hint.",
    "hint": "This has no hint of its own: write it at a question.",
    "media": _MEDIA,
    "parameters": "This has no parameters here: leave it out.",
    "bind": "This is not kept: leave it out.",
    "instance": "This is not kept: leave it out.",
    "name": "This needs no name.",
    "label": "This has no label of its own.",
    "xinsheng_": "This column means nothing here: docs/xlsform.md lists those that do.",
}
"""By the columns that XLSForm has, or the first part of their names."""
_UNKNOWN = "This column is none of XLSForm's that are understood: it is left out."
_SETTING = "This setting means nothing here: leave it out."


def report_leftovers(rows: Iterable[Row], findings: Findings) -> None:
    """Report every cell that nobody took; of a column that is unknown, only the first."""
    unknown: set[tuple[str, str]] = set()
    for row in rows:
        for name in row.left():
            known = "xinsheng_" if name.startswith("xinsheng_") else name.partition("::")[0]
            advice = _ADVICE.get(name) or _ADVICE.get(known)
            if advice is not None:
                findings.leave(row.place(name), advice)
            elif (row.sheet, name) not in unknown:
                unknown.add((row.sheet, name))
                message = _SETTING if row.sheet == "settings" else _UNKNOWN
                findings.leave(row.place(name), message)
