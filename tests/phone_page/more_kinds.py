"""A questionnaire of what EVERY_TYPE leaves out: days, a matrix, texts beside options, pages."""

from typing import Any

from tests.phone_page.questionnaires import both


def _option(value: str, chinese: str, english: str, **fields: Any) -> dict[str, Any]:
    return {"value": value, "label": both(chinese, english), **fields}


MORE_KINDS: dict[str, Any] = {
    "title": both("家长问卷", "Parent questionnaire"),
    "pages": {
        "child": {"title": both("关于孩子", "About the child"), "intro": both("两道题", "Two.")},
    },
    "questions": [
        {
            "code": "born",
            "type": "date",
            "page": "child",
            "label": both("出生日期", "Date of birth"),
            "min": "2006-01-01",
            "max": "2022-12-31",
            "required": True,
        },
        {
            "code": "books",
            "type": "number",
            "page": "child",
            "label": both("家里有多少本书？", "How many books?"),
            "min": 0,
            "whole": True,
            "measure": both("本", "books"),
        },
        {
            "code": "teachers",
            "type": "matrix",
            "label": both("各科教学怎么样？", "How is the teaching?"),
            "rows": [_option("maths", "数学", "Maths"), _option("sport", "体育", "Sport")],
            "options": [_option("good", "好", "Good"), _option("bad", "不好", "Bad")],
            "required": True,
        },
        {
            "code": "why",
            "type": "multiple_choice",
            "label": both("为什么选这所学校？", "Why this school?"),
            "options": [
                _option("near", "离家近", "Near"),
                _option("good", "教得好", "Good"),
                _option("friends", "有朋友", "Friends"),
                _option("other", "其他", "Other", text_length=10),
                _option("none", "没有原因", "No reason", exclusive=True),
            ],
            "random_order": True,
        },
        {
            "code": "sports",
            "type": "text",
            "label": both("体育课哪里不好？", "What is wrong with sport?"),
            "visible_if": {"question": "teachers.sport", "in": ["bad"]},
        },
        {
            "code": "start",
            "type": "note",
            "label": both("孩子刚入学。", "Just started."),
            "visible_if": {"question": "born", "gte": "2019-09-01"},
        },
    ],
}
