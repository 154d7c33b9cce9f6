"""A questionnaire with every type of question, conditions among them."""

from typing import Any

from tests.factories import Api, link, open_campaign


def both(chinese: str, english: str) -> dict[str, str]:
    """A text in the two languages."""
    return {"zh-CN": chinese, "en": english}


EVERY_TYPE: dict[str, Any] = {
    "title": both("家长问卷", "Parent questionnaire"),
    "intro": both("共七道题。", "Seven questions."),
    "consent": both(
        "您的回答只用于改进工作。", "Your answers are only used to improve the school."
    ),
    "scales": {
        "satisfaction": [
            {"value": "satisfied", "label": both("满意", "Satisfied"), "counts_as": "positive"},
            {"value": "dissatisfied", "label": both("不满意", "Not"), "counts_as": "negative"},
        ]
    },
    "questions": [
        {"code": "start", "type": "note", "label": both("请按本学期情况回答。", "Of this term.")},
        {
            "code": "overall",
            "type": "single_choice",
            "scale": "satisfaction",
            "label": both("总体满意吗？", "Satisfied overall?"),
            "required": True,
            "indicator": True,
        },
        {
            "code": "why",
            "type": "text",
            "label": both("为什么不满意？", "Why not?"),
            "hint": both("请不要写姓名。", "No names, please."),
            "max_length": 20,
            "required": True,
            "visible_if": {"question": "overall", "in": ["dissatisfied"]},
        },
        {
            "code": "improve",
            "type": "multiple_choice",
            "label": both("哪些要改进？", "What to improve?"),
            "options": [
                {"value": one, "label": both(one.upper(), one)} for one in ("food", "bus", "sport")
            ],
            "max_selected": 2,
        },
        {"code": "score", "type": "rating", "label": both("打分", "Rate it"), "min": 0, "max": 10},
        {
            "code": "homework",
            "type": "number",
            "label": both("作业多少分钟？", "Minutes of homework?"),
            "min": 0,
            "max": 600,
        },
        {
            "code": "tired",
            "type": "rating",
            "label": both("孩子累吗？", "How tired?"),
            "visible_if": {"all": [{"question": "homework", "gte": 90}]},
        },
        {"code": "comment", "type": "text", "label": both("还想说什么？", "Anything else?")},
    ],
}


async def ask(api: Api, definition: dict[str, Any], **changes: Any) -> str:
    """Publish a questionnaire, open a campaign Q with it, and return a link's path."""
    await api.made("PUT", "/v1/questionnaires/own", definition)
    await api.made("POST", "/v1/questionnaires/own/publish")
    asked = {"parent": {"questionnaire": "own", "version": 1}}
    await open_campaign(api, "Q", populations=asked, **changes)
    return f"/s/{await link(api, campaign='Q')}"
