"""What keeps a draft from being published, in words."""

from app.core.problems import FieldError, pointer
from app.questionnaires.conditions import Path

MAX_BYTES = 256 * 1024
"""As JSON in UTF-8: a phone fetches all of it."""
MAX_COMPARISONS = 1000
"""In all conditions together: each is made for every response."""
MAX_TEXT = 20_000
"""Characters of all text answers together: one request carries them."""
MAX_OPTIONS_IN_ALL = 5000
"""Of all questions together: each is counted for every unit."""

MESSAGES = {
    "too_large": f"The whole definition is at most {MAX_BYTES // 1024} KiB of JSON.",
    "too_complex": f"All conditions together hold at most {MAX_COMPARISONS} comparisons.",
    "too_many_options": f"All questions together have at most {MAX_OPTIONS_IN_ALL} options.",
    "no_questions": "Ask at least one question; notes are none.",
    "too_much_text": f"The max_length of all text questions is at most {MAX_TEXT} together.",
    "default_locale_missing": "Every text needs the language that default_locale names.",
    "duplicate_code": "An earlier question has this code already.",
    "reserved_dot": "Leave the dot out of question codes: it is reserved for the rows of tables.",
    "code_too_long": "A code and a row or option that is answered behind it are at most 64 "
    "characters together.",
    "unknown_page": "No question stands on this page.",
    "row_needed": "Name one of its rows, as `code.row`.",
    "split_page": "Questions of one page stand together: another page stands between.",
    "duplicate_value": "An earlier option or row has this value already.",
    "scale_or_options": "Give exactly one of scale and options.",
    "unknown_scale": "There is no such scale in scales.",
    "counts_as_missing": "Every option of an indicator says what it counts as.",
    "too_many": "This is more than the number of options.",
    "empty_range": "Put min below max, with something to answer between them.",
    "unknown_question": "There is no question with this code.",
    "not_earlier": "A condition can only ask about questions that stand before it.",
    "not_answerable": "This question is a note, which takes no answer.",
    "wrong_comparison": "in and not_in compare choices and ratings, gte and lte numbers, ratings "
    "and, with days, dates; any question can be compared by answered.",
    "not_an_option": "This is none of that question's values.",
    "never_true": "No answer that the question takes makes this true.",
    "never_asked": "Nobody would be asked this: after the conditions of the questions before it "
    "no answers lead here.",
}


def fault(path: Path, code: str) -> FieldError:
    """What is wrong at a place of the definition."""
    return FieldError(pointer(path), code, MESSAGES[code])
