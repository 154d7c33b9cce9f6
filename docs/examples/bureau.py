"""Makes the invented bureau whose figures the dashboard guide prints, on a server of your own.

Start it once with `python3 bureau.py http://127.0.0.1:8000 admin.json`, where admin.json is what
`xinsheng clients create "Guide" --scope admin --json` printed. What it prints are lines for a
shell: the server, two campaigns, and the credentials of two clients.
"""

import base64
import json
import sys
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.request import Request, urlopen

SHANGHAI = timezone(timedelta(hours=8))
NOON = datetime.now(SHANGHAI).replace(hour=12, minute=0, second=0, microsecond=0)
YESTERDAY = (NOON - timedelta(days=1)).isoformat()
AUTUMN, SPRING = "guide-2026-autumn", "guide-2027-spring"

# Parents called and how many of them were dissatisfied with the whole: in autumn, then in spring.
SCHOOLS = {
    "guide-E1": ("东川县第一小学", 400, (48, 5), (50, 2)),
    "guide-E2": ("东川县第二小学", 400, (44, 4), (40, 4)),
    "guide-E3": ("东川县第三小学", 400, (45, 6), (40, 4)),
    "guide-E4": ("东川县第四小学", 400, (42, 3), (42, 16)),
    "guide-W1": ("西岭县第一小学", 300, (36, 2), (36, 1)),
    "guide-W2": ("西岭县第二小学", 300, (34, 7), (33, 6)),
    "guide-W3": ("西岭县第三小学", 900, (95, 8), (35, 1)),
    "guide-W4": ("西岭县第四小学", 300, (31, 3), (4, 1)),
}
OPTIONS = {"satisfied": "满意", "basically_satisfied": "基本满意", "dissatisfied": "不满意"}
COUNTS_AS = {"dissatisfied": "negative", "dont_know": "excluded"}
INDICATORS = {"overall": "学校的整体办学水平", "teaching": "教育教学", "safety": "校园安全环境"}
IMPROVE = {"meals": "食堂", "traffic": "校门口的交通", "homework": "作业"}


class Bureau:
    """The API as the bureau's own client sees it."""

    def __init__(self, server: str, client_id: str, secret: str) -> None:
        self.server = server.rstrip("/")
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        form = b"grant_type=client_credentials"
        self.headers = {"Authorization": f"Basic {pair}"}
        token = self.send("POST", "/oauth/token", form, kind="application/x-www-form-urlencoded")
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}

    def send(self, method: str, path: str, body: object = None, kind: str = "") -> dict[str, Any]:
        """The reply to a request; whatever fails ends the program with what the server said."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": kind or "application/json"}
        headers["Idempotency-Key"] = str(uuid.uuid4())
        request = Request(self.server + path, content, headers, method=method)
        with urlopen(request, timeout=60) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer


def units() -> bytes:
    """A city, two counties, eight schools, and how many people they had in each semester."""
    lines = ["code,name,kind,parent,period,students,parents,teachers", "guide,望海市,city,,,,,"]
    lines += ["guide-E,东川县,county,guide,,,,", "guide-W,西岭县,county,guide,,,,"]
    for period in ("2026-autumn", "2027-spring"):
        for code, (name, students, *_) in SCHOOLS.items():
            lines.append(f"{code},{name},school,{code[:7]},{period},{students},{2 * students},30")
    return "\n".join(lines).encode()


def questionnaire() -> dict[str, Any]:
    """Three indicators, a choice of several, a number and a text."""
    labels = {**OPTIONS, "dont_know": "不了解"}
    scale = [
        {"value": value, "label": {"zh-CN": label}, "counts_as": COUNTS_AS.get(value, "positive")}
        for value, label in labels.items()
    ]
    asked = [
        {"code": code, "type": "single_choice", "scale": "satisfaction", "indicator": True}
        | {"label": {"zh-CN": label}}
        for code, label in INDICATORS.items()
    ]
    several = [{"value": value, "label": {"zh-CN": label}} for value, label in IMPROVE.items()]
    asked += [
        {"code": "improve", "type": "multiple_choice", "options": several}
        | {"label": {"zh-CN": "最需要改进的方面"}},
        {"code": "minutes", "type": "number", "min": 0, "max": 300}
        | {"label": {"zh-CN": "每天做作业多少分钟"}},
        {"code": "comment", "type": "text", "label": {"zh-CN": "您的建议"}},
    ]
    title = {"zh-CN": "满意度调查（示例）"}
    return {"title": title, "scales": {"satisfaction": scale}, "questions": asked}


def campaign(period: str) -> dict[str, Any]:
    """Parents by telephone and teachers on paper, weighed six to four."""
    telephone = {"name": "telephone", "basis": "students", "share": 0.1, "channel": "phone"}
    asked = {"questionnaire": "guide", "version": 1}
    return {
        "title": f"{period} 满意度调查（示例）",
        "period": period,
        "region": "guide",
        "opens_at": (NOON - timedelta(days=10)).isoformat(),
        "closes_at": (NOON + timedelta(days=30)).isoformat(),
        "populations": {
            "parent": {**asked, "weight": 0.6, "targets": [telephone]},
            "teacher": {**asked, "weight": 0.4},
        },
        "headline_channels": ["phone"],
    }


def interviews(term: int) -> list[dict[str, Any]]:
    """Every parent of the semester 0 or 1: the first ones are the dissatisfied."""
    return [
        {
            "interview_id": f"{code}-{number}",
            "unit": code,
            "population": "parent",
            "disposition": "1.1",
            "ended_at": YESTERDAY,
            "answers": answers(number, terms[term][1]),
        }
        for code, (_, _, *terms) in SCHOOLS.items()
        for number in range(terms[term][0])
    ]


def answers(number: int, dissatisfied: int) -> dict[str, Any]:
    """What one parent says."""
    pleased = "basically_satisfied" if number % 4 == 3 else "satisfied"
    said = {
        "overall": "dissatisfied" if number < dissatisfied else pleased,
        "teaching": "dissatisfied" if number < dissatisfied // 2 else pleased,
        "safety": "dont_know" if number % 16 == 15 else pleased,
        "improve": [one for step, one in enumerate(IMPROVE, start=2) if number % step == 0],
        "minutes": 30 + 15 * (number % 5),
    }
    if number < dissatisfied:
        said["comment"] = "希望改善校门口的交通"
    return said


def on_paper(term: int) -> dict[str, Any]:
    """Teachers' counts, as a tally: of one school fewer than may be shown."""
    rows = []
    for place, code in enumerate(SCHOOLS):
        number = 6 if code == "guide-W2" else 14 + place
        content = {"satisfied": number - 2 + term, "dissatisfied": 2 - term}
        rows.append({"unit": code, "population": "teacher", "respondents": number})
        rows[-1]["counts"] = dict.fromkeys(INDICATORS, content)
    return {"revision": 1, "channel": "paper", "as_of": YESTERDAY, "rows": rows}


def main() -> None:
    """Make all of it, and print what a shell needs."""
    server = sys.argv[1]
    with open(sys.argv[2], encoding="utf-8") as file:
        made = json.load(file)
    bureau = Bureau(server, made["client_id"], made["client_secret"])
    bureau.send("POST", "/v1/units/import", units(), kind="text/csv")
    bureau.send("PUT", "/v1/questionnaires/guide", questionnaire())
    bureau.send("POST", "/v1/questionnaires/guide/publish")
    for term, code in enumerate((AUTUMN, SPRING)):
        bureau.send("PUT", f"/v1/campaigns/{code}", campaign(code.removeprefix("guide-")))
        bureau.send("POST", f"/v1/campaigns/{code}/open")
        bureau.send("POST", f"/v1/campaigns/{code}/interviews", {"interviews": interviews(term)})
        bureau.send("PUT", f"/v1/campaigns/{code}/tallies/paper", on_paper(term))
        bureau.send("POST", f"/v1/campaigns/{code}/releases")
    bulletin = {"title": "2026 年秋季满意度测评通报（第 1 号，示例）"}
    bureau.send("POST", f"/v1/campaigns/{AUTUMN}/publications", bulletin)
    print(f"export XINSHENG_SERVER={bureau.server} CAMPAIGN={SPRING} EARLIER={AUTUMN}")
    for prefix, scopes in (("XINSHENG", ["results:read"]), ("BUREAU", ["results:exact"])):
        client = {"name": f"Guide, {scopes[0]}", "scopes": scopes, "unit": "guide"}
        made = bureau.send("POST", "/v1/clients", client)
        print(f"export {prefix}_CLIENT_ID={made['client_id']}")
        print(f"export {prefix}_CLIENT_SECRET={made['client_secret']}")


if __name__ == "__main__":
    main()
