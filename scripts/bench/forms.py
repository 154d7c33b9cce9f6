"""What a large questionnaire costs: published, checked, shown and answered, beside one of six.

.venv/bin/python -m scripts.bench.forms [QUESTIONS]
"""

import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from app.phone_page import pages
from app.phone_page.languages import choose
from app.phone_page.pages import Keys, Visit
from app.questionnaires.differences import diff
from app.questionnaires.publishing import missing_translations, refusals
from app.questionnaires.schemas import Definition
from app.questionnaires.suspicions import suspicions
from app.questionnaires.validator import Validator
from app.responses.directory import Questionnaire
from scripts.bench.serving import machine

_AT_LEAST_SECONDS = 0.5


def form(questions: int) -> dict[str, Any]:
    """A draft of that many questions of all kinds, every other upon conditions, in pages of ten."""
    both = {"zh-CN": "您对这一方面满意吗？", "en": "Are you satisfied with this?"}
    options = [
        {"value": value, "label": both, "counts_as": side}
        for value, side in (("yes", "positive"), ("no", "negative"), ("dk", "excluded"))
    ]
    kinds: list[dict[str, Any]] = [
        {"type": "single_choice", "scale": "s", "indicator": True, "required": True},
        {"type": "multiple_choice", "scale": "s"},
        {"type": "rating", "min": 0, "max": 10},
        {"type": "number", "min": 0, "max": 600},
        {"type": "text", "max_length": 50},
    ]
    asked = []
    for number in range(questions):
        one = {"code": f"q{number}", "label": both, "page": f"p{number // 10}"}
        one.update(kinds[number % len(kinds)])
        before = number - number % len(kinds)
        if number > before:
            one["visible_if"] = {
                "any": [
                    {"question": f"q{before}", "in": ["no"]},
                    {"all": [{"question": f"q{n}", "in": ["yes"]} for n in {0, before}]},
                ]
            }
        asked.append(one)
    return {"title": both, "scales": {"s": options}, "questions": asked}


def _milliseconds(work: Callable[[], Any]) -> float:
    work()
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < _AT_LEAST_SECONDS:
        work()
        times += 1
    return (time.perf_counter() - began) / times * 1000


def measured(questions: int) -> dict[str, float]:
    """Milliseconds of each step."""
    body = form(questions)
    definition = Definition.model_validate(body)
    assert refusals(definition) == []
    asked = Questionnaire("q", 1, definition, Validator(definition))
    visit = Visit(choose(definition, asked="zh-CN", accepted=""), "", None)
    answers = {f"q{number}": "no" for number in range(0, questions, 5)}
    return {
        "read as JSON": _milliseconds(lambda: Definition.model_validate(body)),
        "checked for publishing": _milliseconds(lambda: refusals(definition)),
        "looked over for warnings": _milliseconds(lambda: suspicions(definition)),
        "translations counted": _milliseconds(lambda: missing_translations(definition)),
        "compared with itself": _milliseconds(lambda: diff(definition, definition)),
        "compiled": _milliseconds(lambda: Validator(definition)),
        "page made": _milliseconds(
            lambda: pages.form(visit, asked, Keys(str(uuid.uuid4()), "", "", None))
        ),
        "answers checked": _milliseconds(lambda: asked.validator.encode(answers)),
    }


def main() -> None:
    """Print both, and how many times the one is the other."""
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    small, large = measured(6), measured(questions)
    print(
        f"{machine()}; milliseconds\n\n| | 6 questions | {questions} | ratio |\n|---|---|---|---|"
    )
    for step, of_small in small.items():
        of_large = large[step]
        print(f"| {step} | {of_small:.3f} | {of_large:.3f} | {of_large / of_small:.0f} |")


if __name__ == "__main__":
    main()
