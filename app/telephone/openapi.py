"""What the document says of a delivery's body and reply beyond what FastAPI knows."""

from typing import Any

from app.telephone.schemas import MAX_INTERVIEWS, DeliveryQueued, InterviewIn, InterviewsOut
from app.telephone.uploads import CSV, JSON, NDJSON, XLSX

_INTERVIEW = {
    "interview_id": "V-1",
    "unit": "S1",
    "population": "parent",
    "phone": "+8613800000000",
    "disposition": "1.1",
    "attempts": 2,
    "started_at": "2026-11-02T18:21:00+08:00",
    "ended_at": "2026-11-02T18:25:30+08:00",
    "answers": {"overall": "satisfied", "ethics": "dont_know"},
}
_ROWS = (
    "编号,学校,手机,结果,结束时间,Q1\n"
    "V-1,S1,13800000000,成功,2026-11-02 18:25,1\n"
    "V-2,S1,13800000001,拒访,2026-11-02 18:40,\n"
)
_SCHEMA = InterviewIn.model_json_schema()
# Placed where it is referred to: OpenAPI knows no definitions within a body.
_CALL = _SCHEMA.pop("$defs")["Call"]
_SCHEMA["properties"]["calls"]["anyOf"][0]["items"] = _CALL
_EXAMPLE = {
    "delivery": 12,
    "accepted": 1,
    "replayed": 0,
    "updated": 0,
    "already_answered": 0,
    "rejected": 0,
    "results": [{"index": 0, "interview_id": "V-1", "status": "accepted"}],
}
_LINES = (
    '{"index":0,"interview_id":"V-1","status":"accepted"}\n'
    '{"delivery":12,"accepted":1,"replayed":0,"updated":0,"already_answered":0,"rejected":0}\n'
)
DELIVERY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["interviews"],
                    "additionalProperties": False,
                    "properties": {
                        "interviews": {
                            "description": "Each is taken or rejected by itself.",
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MAX_INTERVIEWS,
                            "items": _SCHEMA,
                        }
                    },
                },
                "example": {"interviews": [_INTERVIEW]},
            },
            NDJSON: {"schema": _SCHEMA, "example": _INTERVIEW},
            CSV: {"schema": {"type": "string"}, "example": _ROWS},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
REPLIES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": InterviewsOut,
        "description": "What became of each item.",
        "content": {
            JSON: {
                "schema": {"$ref": "#/components/schemas/InterviewsOut"},
                "example": _EXAMPLE,
            },
            NDJSON: {"schema": {"type": "string"}, "example": _LINES},
        },
    },
    202: {
        "model": DeliveryQueued,
        "description": "It is kept, and a job takes it: `Location` says which.",
        "headers": {
            "Location": {"schema": {"type": "string"}, "description": "The job's address."},
        },
    },
}
