"""Which language a person is shown, and which way it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.preferences import weighed
from app.phone_page.texts import CATALOGUE, DEFAULT, Texts
from app.questionnaires.schemas import Definition

_RIGHT_TO_LEFT = {"ar", "fa", "he", "ug", "ur"}
_OWN_NAMES = {
    "zh-CN": "中文",
    "zh-TW": "繁體中文",
    "zh-HK": "繁體中文",
    "en": "English",
    "ug": "ئۇيغۇرچە",
    "bo": "བོད་ཡིག",
    "kk": "Қазақша",
    "ko": "한국어",
    "za": "Vahcuengh",
}


@dataclass(frozen=True, slots=True)
class Language:
    """The language of one page."""

    locale: str
    """What the questionnaire's texts are shown in."""
    default: str
    """Where a text is missing there: the language that every text has."""
    words: str
    """What the page's own texts are shown in."""
    offered: tuple[str, ...]

    @property
    def texts(self) -> Texts:
        """The page's own texts."""
        return CATALOGUE[self.words]

    @property
    def direction(self) -> str:
        """Which way it is written, as HTML calls it."""
        return "rtl" if _primary(self.locale) in _RIGHT_TO_LEFT else "ltr"

    @property
    def others(self) -> list[tuple[str, str]]:
        """The other languages on offer, each with its own name."""
        return [(one, _OWN_NAMES.get(one, one)) for one in self.offered if one != self.locale]

    def of(self, texts: Mapping[str, str]) -> str:
        """One of a questionnaire's texts."""
        return texts.get(self.locale) or texts[self.default]


def choose(definition: Definition | None, *, asked: str | None, accepted: str) -> Language:
    """The language for a person.

    `asked` is what the person chose on a page, if anything; `accepted` the browser's
    Accept-Language. Without a questionnaire the choice is among the page's own languages.
    """
    if definition is None:
        offered, default = tuple(CATALOGUE), DEFAULT
    else:
        offered, default = tuple(definition.title), definition.default_locale
    wanted = [asked, *_preferences(accepted)] if asked else _preferences(accepted)
    locale = next((found for one in wanted if (found := _match(one, offered))), default)
    words = _match(locale, tuple(CATALOGUE)) or _match(default, tuple(CATALOGUE)) or "en"
    return Language(locale, default, words, offered)


def _primary(locale: str) -> str:
    return locale.partition("-")[0].lower()


def _match(wanted: str, offered: Sequence[str]) -> str | None:
    # The very one that was meant, else one of the same language from another place.
    exact = (one for one in offered if one.lower() == wanted.lower())
    alike = (one for one in offered if _primary(one) == _primary(wanted))
    return next(exact, None) or next(alike, None)


def _preferences(header: str) -> list[str]:
    """The languages of an Accept-Language header, the best first."""
    named = [one for one in weighed(header) if one[1] > 0]
    return [name for name, _ in sorted(named, key=lambda one: -one[1])]
