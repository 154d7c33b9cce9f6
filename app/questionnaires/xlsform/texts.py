"""Texts by language as an XLSForm has them: one column for each language."""

from collections.abc import Mapping, Sequence

from app.questionnaires.xlsform.languages import locale_of
from app.questionnaires.xlsform.report import Findings
from app.questionnaires.xlsform.sheets import Row

_DEFAULT = "zh-CN"


class Texts:
    """Reads texts by language, and knows which language those have that name none."""

    def __init__(self, sheets: Mapping[str, Sequence[Row]], findings: Findings) -> None:
        self._findings = findings
        self._unclear: set[tuple[str, str]] = set()
        self.default = self._default(sheets)

    def take(self, row: Row, name: str) -> dict[str, str]:
        """The text in a column and in its translations, by locale."""
        found = row.take_translated(name)
        texts: dict[str, str] = {}
        # What names its language goes before what does not.
        for language, text in sorted(found.items(), key=lambda one: one[0] == ""):
            column = f"{name}::{language}" if language else name
            locale = locale_of(language) if language else self.default
            if locale is None:
                self._leave_unclear(row, column)
            elif texts.get(locale, text) != text:
                message = "Another column has this language too, with another text, which counts."
                self._findings.leave(row.place(column), message)
            else:
                texts[locale] = text
            if "${" in text:
                message = "Answers are not put into texts: what stands here is shown as it is."
                self._findings.leave(row.place(column), message)
        return texts

    def _leave_unclear(self, row: Row, column: str) -> None:
        if (row.sheet, column) not in self._unclear:
            self._unclear.add((row.sheet, column))
            message = "It is not clear which language this column is in: add its code to the "
            self._findings.leave(row.place(column), message + "header, as in `English (en)`.")

    def _default(self, sheets: Mapping[str, Sequence[Row]]) -> str:
        for row in sheets["settings"][:1]:
            if said := row.take("default_language"):
                if locale := locale_of(said):
                    return locale
                message = "Give the language with its code, as in `中文 (zh-CN)`."
                self._findings.refuse(row.place("default_language"), "unknown_language", message)
        languages = {
            name.partition("::")[2]: None
            for row in sheets["survey"]
            for name in row.cells
            if name.partition("::")[0] == "label"
        }
        locales = [locale_of(one) for one in languages if one]
        if "" in languages or _DEFAULT in locales:
            return _DEFAULT
        return next((one for one in locales if one), _DEFAULT)
