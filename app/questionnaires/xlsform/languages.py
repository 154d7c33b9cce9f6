"""Languages as headers of an XLSForm name them: `中文 (zh-CN)`, `English (en)`."""

import re

_NAMES = {
    "zh-CN": "中文",
    "en": "English",
    "ug": "ئۇيغۇرچە",
    "bo": "བོད་སྐད་",
    "mn": "Монгол",
    "kk": "Қазақша",
    "ko": "한국어",
    "ja": "日本語",
    "fr": "Français",
    "es": "Español",
    "ru": "Русский",
}
_ALIASES = {
    "chinese": "zh-CN",
    "简体中文": "zh-CN",
    "汉语": "zh-CN",
    "普通话": "zh-CN",
    "uyghur": "ug",
    "tibetan": "bo",
    "mongolian": "mn",
    "kazakh": "kk",
    "korean": "ko",
    "japanese": "ja",
    "french": "fr",
    "spanish": "es",
    "russian": "ru",
    **{name.lower(): locale for locale, name in _NAMES.items()},
}
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
# Chinese input methods type the parentheses in full width.
_CODE = re.compile(r"[(（]\s*([^()（）]*?)\s*[)）]\s*$")


def header_language(locale: str) -> str:
    """What a language is called in a header, with its code: `English (en)`."""
    return f"{_NAMES.get(locale, locale)} ({locale})"


def locale_of(language: str) -> str | None:
    """The locale that a header means, by its code or a name that is known; None where unclear."""
    in_parentheses = _CODE.search(language)
    said = in_parentheses[1] if in_parentheses else language.strip()
    if _LOCALE.fullmatch(said):
        return said
    first, *further = said.replace("_", "-").split("-")
    tidied = "-".join([first.lower(), *further])
    if in_parentheses or further or (len(first) == 2 and first.isascii()):
        return tidied if _LOCALE.fullmatch(tidied) else None
    return _ALIASES.get(said.lower())
