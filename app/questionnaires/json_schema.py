"""The JSON Schema of questionnaires, for editors and for programs that write drafts.

It says what a draft may hold; what publishing asks for beyond that takes more than a schema.
"""

from functools import cache
from typing import Any

from app.questionnaires.schemas import Definition

ADDRESS = "/schemas/questionnaire.json"
ID = "urn:xinsheng:questionnaire:1"
_EXAMPLE = {
    "title": {"zh-CN": "家长满意度调查", "en": "Parents' survey"},
    "default_locale": "zh-CN",
    "consent": {"zh-CN": "您的回答只用于改进工作。", "en": "Your answers only serve to improve."},
    "scales": {
        "satisfaction": [
            {
                "value": "satisfied",
                "label": {"zh-CN": "满意", "en": "Satisfied"},
                "counts_as": "positive",
            },
            {
                "value": "dissatisfied",
                "label": {"zh-CN": "不满意", "en": "Dissatisfied"},
                "counts_as": "negative",
            },
        ]
    },
    "questions": [
        {
            "code": "overall",
            "type": "single_choice",
            "scale": "satisfaction",
            "label": {"zh-CN": "您对学校总体满意吗？", "en": "Are you satisfied overall?"},
            "required": True,
            "indicator": True,
        },
        {
            "code": "why",
            "type": "text",
            "label": {"zh-CN": "为什么不满意？", "en": "Why not?"},
            "max_length": 200,
            "visible_if": {"question": "overall", "in": ["dissatisfied"]},
        },
    ],
}


@cache
def schema() -> dict[str, Any]:
    """The schema, in the dialect 2020-12."""
    made = _plain(Definition.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Questionnaire",
        **made,
        "examples": [_EXAMPLE],
    }


def _plain(node: Any) -> Any:
    """Without what says nothing, and closed where only certain names are taken."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: _plain(value)
        for name, value in node.items()
        # `title` is also the name of a property, whose schema is an object.
        if not (name == "title" and isinstance(value, str))
        and not (name == "default" and value is None)
    }
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    kept.pop("discriminator", None)  # OpenAPI's word, not JSON Schema's
    return kept
