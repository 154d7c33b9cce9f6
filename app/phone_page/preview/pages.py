"""The page of a draft that cannot be published yet: what is wrong with it, place by place."""

from collections.abc import Iterator, Sequence

from app.core.problems import FieldError
from app.phone_page.languages import Language
from app.phone_page.pages import Visit, frame
from app.phone_page.rendering import render
from app.phone_page.texts import Texts
from app.questionnaires.schemas import Definition


def unsound(visit: Visit, definition: Definition, faults: Sequence[FieldError]) -> str:
    """Why there is no form to show, in plain words."""
    language = visit.language
    title = language.of(definition.title) if language.default in definition.title else None
    return render(
        "preview/unsound.html",
        **frame(visit, "preview", heading=language.texts["preview_unsound_title"]),
        named=title,
        faults=list(dict.fromkeys(_lines(definition, language, faults))),
    )


def _lines(
    definition: Definition, language: Language, faults: Sequence[FieldError]
) -> Iterator[tuple[str, str]]:
    texts = language.texts
    for one in faults:
        text = texts.get(f"fault_{one.code}", texts["fault_other"])
        yield _place(definition, texts, one.pointer), text


def _place(definition: Definition, texts: Texts, pointer: str) -> str:
    match pointer.split("/")[1:]:
        case ["questions", number, *_]:
            code = definition.questions[int(number)].code
            return texts["at_question"].format(number=int(number) + 1, code=code)
        case ["scales", code, *_]:
            return texts["at_scale"].format(code=code)
        case ["pages", code, *_]:
            return texts["at_page"].format(code=code)
        case [name, *_] if f"at_{name}" in texts:
            return texts[f"at_{name}"]
        case _:
            return texts["at_whole"]
