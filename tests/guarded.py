"""The routes that need a token, and for each what touches what is one county's alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.core.workbook_writing import workbook_of
from tests.factories import PERIOD, campaign_body

ZH = {"zh-CN": "…"}
QUESTIONNAIRE = {"title": ZH, "questions": [{"code": "q", "type": "text", "label": ZH}]}
XLSFORM = workbook_of({"survey": [["type", "name", "label"], ["text", "q", "…"]]})
UNIT = {"name": "x", "kind": "school", "parent": "B"}
LINKS = {"population": "parent", "units": ["B1"]}
INVITATIONS = {"unit": "B1", "population": "parent", "count": 1}
ISSUED = {"unit": "B1", "population": "parent", "channel": "paper", "count": 1}
INTERVIEWS: dict[str, Any] = {"interviews": []}
TALLY: dict[str, Any] = {
    "channel": "phone",
    "as_of": datetime.now(UTC).isoformat(),
    "rows": [{"unit": "B1", "population": "parent", "respondents": 1, "counts": {}}],
}
VOID = {"reason": "x"}
CSV = {"content": "code,name,kind,parent\nB1,x,school,B\n", "headers": {"Content-Type": "text/csv"}}
ROSTER = {
    "content": "unit,population,phone\nB1,parent,13800000000\n",
    "headers": {"Content-Type": "text/csv"},
}
PLAN = {"from": "2026-11-02", "to": "2026-11-22", "by": "20:00"}
NOT_OWNER = 403
"""The campaign of the whole city is seen by a county, and not changed."""
IMPORT_REFUSED = 422
"""An import names the bad row: B's codes are told to be unknown there."""


@dataclass
class Asked:
    """A request that touches what is county B's alone, and the reply to a client of county A."""

    url: str = ""
    json: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    status: int = 404


# By method and route. {campaign} is B's own, {city} one of the whole city; {link}, {batch} B's.
REQUESTS: dict[str, list[Asked]] = {
    "POST /v1/clients": [Asked("/v1/clients", {"name": "x", "scopes": ["admin"], "unit": "B"})],
    "GET /v1/clients": [],
    "GET /v1/clients/{client_id}": [Asked("/v1/clients/{client}")],
    "POST /v1/clients/{client_id}/revoke": [Asked("/v1/clients/{client}/revoke")],
    "PUT /v1/clients/{client_id}/networks": [
        Asked("/v1/clients/{client}/networks", {"networks": None})
    ],
    "POST /v1/clients/{client_id}/secrets": [Asked("/v1/clients/{client}/secrets", {})],
    "POST /v1/clients/{client_id}/secrets/{secret}/revoke": [
        Asked("/v1/clients/{client}/secrets/1/revoke")
    ],
    "GET /v1/audit": [],
    "POST /v1/units/import": [Asked("/v1/units/import", options=CSV, status=IMPORT_REFUSED)],
    "PUT /v1/units/{code}": [Asked("/v1/units/B1", UNIT), Asked("/v1/units/new", UNIT)],
    "PUT /v1/units/{code}/enrolment": [Asked("/v1/units/B1/enrolment", {"period": PERIOD})],
    "GET /v1/units/{code}": [Asked("/v1/units/B1"), Asked("/v1/units/W")],
    "GET /v1/units": [Asked("/v1/units?within=B")],
    "PUT /v1/questionnaires/{code}": [Asked("/v1/questionnaires/of-b", QUESTIONNAIRE)],
    "POST /v1/questionnaires/{code}/publish": [Asked("/v1/questionnaires/of-b/publish")],
    "POST /v1/questionnaires/{code}/preview": [Asked("/v1/questionnaires/of-b/preview")],
    "GET /v1/questionnaires/{code}/diff": [Asked("/v1/questionnaires/of-b/diff?from=1")],
    "GET /v1/questionnaires/{code}": [
        Asked("/v1/questionnaires/of-b"),
        Asked("/v1/questionnaires/of-b?version=1"),
    ],
    "POST /v1/questionnaires/{code}/xlsform": [
        Asked("/v1/questionnaires/of-b/xlsform", options={"files": {"file": XLSFORM}})
    ],
    "GET /v1/questionnaires/{code}/xlsform": [
        Asked("/v1/questionnaires/of-b/xlsform"),
        Asked("/v1/questionnaires/of-b/xlsform?version=1"),
    ],
    "GET /v1/questionnaires": [],
    "PUT /v1/campaigns/{code}": [
        Asked("/v1/campaigns/{campaign}", campaign_body(region="A")),
        Asked("/v1/campaigns/new", campaign_body(region="B")),
    ],
    "GET /v1/campaigns/{code}": [Asked("/v1/campaigns/{campaign}")],
    "GET /v1/campaigns": [Asked("/v1/campaigns?within=B")],
    "POST /v1/campaigns/{code}/open": [Asked("/v1/campaigns/{campaign}/open")],
    "POST /v1/campaigns/{code}/close": [Asked("/v1/campaigns/{campaign}/close")],
    "POST /v1/campaigns/{code}/archive": [Asked("/v1/campaigns/{campaign}/archive")],
    "POST /v1/campaigns/{code}/sandbox": [Asked("/v1/campaigns/{campaign}/sandbox")],
    "POST /v1/campaigns/{code}/sandbox/reset": [Asked("/v1/campaigns/{campaign}/sandbox/reset")],
    "POST /v1/campaigns/{code}/destroy-key": [
        Asked("/v1/campaigns/{campaign}/destroy-key", {"confirm": "of-b"})
    ],
    "POST /v1/campaigns/{code}/links": [
        Asked("/v1/campaigns/{campaign}/links", LINKS),
        Asked("/v1/campaigns/{city}/links", LINKS),
        Asked(
            "/v1/campaigns/{city}/links",
            {"population": "parent", "level": "school", "within": "B"},
        ),
    ],
    "GET /v1/campaigns/{code}/links": [Asked("/v1/campaigns/{campaign}/links")],
    "GET /v1/campaigns/{code}/links.csv": [Asked("/v1/campaigns/{campaign}/links.csv")],
    "GET /v1/links/{link}/qr.svg": [Asked("/v1/links/{link}/qr.svg")],
    "GET /v1/links/{link}/qr.png": [Asked("/v1/links/{link}/qr.png")],
    "GET /v1/links/{link}/poster": [Asked("/v1/links/{link}/poster")],
    "GET /v1/campaigns/{code}/links/posters": [
        Asked("/v1/campaigns/{campaign}/links/posters?population=parent"),
        Asked("/v1/campaigns/{city}/links/posters?population=parent&within=B"),
    ],
    "POST /v1/links/{link}/revoke": [Asked("/v1/links/{link}/revoke")],
    "POST /v1/campaigns/{code}/invitations": [
        Asked("/v1/campaigns/{campaign}/invitations", INVITATIONS),
        Asked("/v1/campaigns/{city}/invitations", INVITATIONS),
    ],
    "GET /v1/campaigns/{code}/invitations": [Asked("/v1/campaigns/{campaign}/invitations")],
    "GET /v1/campaigns/{code}/invitations/{batch}": [
        Asked("/v1/campaigns/{campaign}/invitations/{batch}"),
        Asked("/v1/campaigns/{city}/invitations/{batch}"),
    ],
    "POST /v1/campaigns/{code}/roster": [
        Asked("/v1/campaigns/{campaign}/roster", options=ROSTER),
        Asked("/v1/campaigns/{city}/roster", options=ROSTER, status=IMPORT_REFUSED),
    ],
    "GET /v1/campaigns/{code}/roster/{roster}/links.csv": [
        Asked("/v1/campaigns/{campaign}/roster/{batch}/links.csv"),
        Asked("/v1/campaigns/{city}/roster/{batch}/links.csv"),
    ],
    "POST /v1/campaigns/{code}/invitations/{batch}/revoke": [
        Asked("/v1/campaigns/{campaign}/invitations/{batch}/revoke"),
        Asked("/v1/campaigns/{city}/invitations/{batch}/revoke"),
    ],
    "POST /v1/links/{link}/void": [Asked("/v1/links/{link}/void", VOID)],
    "POST /v1/links/{link}/restore": [Asked("/v1/links/{link}/restore", VOID)],
    "POST /v1/campaigns/{code}/invitations/{batch}/void": [
        Asked("/v1/campaigns/{campaign}/invitations/{batch}/void", VOID),
        Asked("/v1/campaigns/{city}/invitations/{batch}/void", VOID),
    ],
    "POST /v1/campaigns/{code}/invitations/{batch}/restore": [
        Asked("/v1/campaigns/{campaign}/invitations/{batch}/restore", VOID),
        Asked("/v1/campaigns/{city}/invitations/{batch}/restore", VOID),
    ],
    "GET /v1/campaigns/{code}/doubts": [Asked("/v1/campaigns/{campaign}/doubts")],
    "GET /v1/campaigns/{code}/voids": [Asked("/v1/campaigns/{campaign}/voids")],
    "GET /v1/campaigns/{code}/deliveries/{delivery}/refusals": [
        Asked("/v1/campaigns/{campaign}/deliveries/1/refusals")
    ],
    "GET /v1/campaigns/{code}/interviews/{interview}": [
        Asked("/v1/campaigns/{campaign}/interviews/V-1")
    ],
    # Each client's own: the same code may be another's too.
    "GET /v1/interview-mappings/{code}": [Asked("/v1/interview-mappings/of-b")],
    "DELETE /v1/interview-mappings/{code}": [Asked("/v1/interview-mappings/of-b")],
    "PUT /v1/interview-mappings/{code}": [Asked("/v1/interview-mappings/of-b", {}, status=201)],
    "GET /v1/interview-mappings": [],
    "POST /v1/campaigns/{code}/interviews": [
        Asked("/v1/campaigns/{campaign}/interviews", INTERVIEWS)
    ],
    "PUT /v1/campaigns/{code}/tallies/{batch}": [
        Asked("/v1/campaigns/{campaign}/tallies/T", TALLY),
        Asked("/v1/campaigns/{city}/tallies/T", TALLY),
    ],
    "GET /v1/campaigns/{code}/tallies": [Asked("/v1/campaigns/{campaign}/tallies")],
    "GET /v1/campaigns/{code}/tallies/{batch}": [
        Asked("/v1/campaigns/{campaign}/tallies/T"),
        Asked("/v1/campaigns/{city}/tallies/T?source={client}"),
    ],
    "GET /v1/campaigns/{code}/tallies/{batch}/rows": [
        Asked("/v1/campaigns/{campaign}/tallies/T/rows")
    ],
    "GET /v1/campaigns/{code}/tallies/{batch}/changes": [
        Asked("/v1/campaigns/{campaign}/tallies/T/changes")
    ],
    "GET /v1/jobs": [],
    "GET /v1/jobs/{job_id}": [Asked("/v1/jobs/{job}")],
    "POST /v1/campaigns/{code}/exports": [
        Asked("/v1/campaigns/{campaign}/exports", {"content": "responses", "format": "csv"}),
        Asked(
            "/v1/campaigns/{city}/exports",
            {"content": "responses", "format": "csv", "within": "B"},
        ),
        Asked(
            "/v1/campaigns/{city}/exports", {"content": "results", "format": "csv", "within": "B1"}
        ),
    ],
    "GET /v1/exports": [],
    "GET /v1/exports/{export_id}": [Asked("/v1/exports/{export}")],
    "GET /v1/exports/{export_id}/file": [Asked("/v1/exports/{export}/file")],
    "GET /v1/campaigns/{code}/reconciliation": [
        Asked("/v1/campaigns/{campaign}/reconciliation"),
        Asked("/v1/campaigns/{city}/reconciliation?source={client}"),
    ],
    "GET /v1/campaigns/{code}/statement": [
        Asked("/v1/campaigns/{campaign}/statement"),
        Asked("/v1/campaigns/{city}/statement?source={client}"),
    ],
    "GET /v1/campaigns/{code}/delivery-plans": [Asked("/v1/campaigns/{campaign}/delivery-plans")],
    "PUT /v1/campaigns/{code}/delivery-plans/{client_id}": [
        Asked("/v1/campaigns/{campaign}/delivery-plans/{client}", PLAN),
        Asked("/v1/campaigns/{city}/delivery-plans/{client}", PLAN, status=NOT_OWNER),
    ],
    "GET /v1/campaigns/{code}/results": [
        Asked("/v1/campaigns/{campaign}/results"),
        Asked("/v1/campaigns/{city}/results?within=B"),
    ],
    "POST /v1/campaigns/{code}/releases": [Asked("/v1/campaigns/{campaign}/releases")],
    "GET /v1/campaigns/{code}/releases": [Asked("/v1/campaigns/{campaign}/releases")],
    "POST /v1/campaigns/{code}/publications": [
        Asked("/v1/campaigns/{campaign}/publications", {"title": "x"}),
        Asked("/v1/campaigns/{city}/publications", {"title": "x"}, status=NOT_OWNER),
    ],
    "GET /v1/campaigns/{code}/publications": [Asked("/v1/campaigns/{campaign}/publications")],
    "GET /v1/campaigns/{code}/publications/{number}": [
        Asked("/v1/campaigns/{campaign}/publications/1")
    ],
    "GET /v1/campaigns/{code}/publications/{number}/{section}": [
        Asked("/v1/campaigns/{campaign}/publications/1/rows")
    ],
    "POST /v1/campaigns/{code}/stream/tickets": [Asked("/v1/campaigns/{campaign}/stream/tickets")],
    "GET /v1/campaigns/{code}/stream": [Asked("/v1/campaigns/{campaign}/stream")],
    "GET /v1/campaigns/{code}/coverage": [
        Asked("/v1/campaigns/{campaign}/coverage"),
        Asked("/v1/campaigns/{city}/coverage?within=W"),
    ],
    "PUT /v1/campaigns/{code}/issued": [
        Asked("/v1/campaigns/{campaign}/issued", ISSUED),
        Asked("/v1/campaigns/{city}/issued", ISSUED),
    ],
    "GET /v1/campaigns/{code}/issued": [Asked("/v1/campaigns/{campaign}/issued")],
    "GET /v1/school-years/{year}/coverage": [
        Asked("/v1/school-years/2026/coverage?population=parent&within=B"),
        Asked("/v1/school-years/2026/coverage?population=parent&within=W"),
    ],
    "GET /v1/campaigns/{code}/ranking": [
        Asked("/v1/campaigns/{campaign}/ranking"),
        Asked("/v1/campaigns/{city}/ranking?within=B"),
    ],
    "GET /v1/campaigns/{code}/crosstab": [
        Asked("/v1/campaigns/{campaign}/crosstab?rows=overall&columns=safety"),
        Asked("/v1/campaigns/{city}/crosstab?rows=overall&columns=safety&within=B"),
    ],
    "GET /v1/campaigns/{code}/answers": [
        Asked("/v1/campaigns/{campaign}/answers?question=comment"),
        Asked("/v1/campaigns/{city}/answers?question=comment&within=B"),
    ],
    "GET /v1/campaigns/{code}/numbers": [
        Asked("/v1/campaigns/{campaign}/numbers?question=overall"),
        Asked("/v1/campaigns/{city}/numbers?question=overall&within=B"),
    ],
    "GET /v1/trends": [
        Asked("/v1/trends?unit=B1&campaigns={campaign}&population=parent"),
        Asked("/v1/trends?unit=B1&campaigns={city}&population=parent"),
        Asked("/v1/trends?unit=W&campaigns={city}&population=parent"),
    ],
}
UNSCOPED = {
    "GET /v1/units",
    "GET /v1/units/{code}",
    "GET /v1/questionnaires",
    "GET /v1/questionnaires/{code}/diff",
    "GET /v1/questionnaires/{code}",
    "GET /v1/questionnaires/{code}/xlsform",
    "GET /v1/campaigns",
    "GET /v1/campaigns/{code}",
    "GET /v1/campaigns/{code}/links",
    "GET /v1/campaigns/{code}/links.csv",
    "GET /v1/links/{link}/qr.svg",
    "GET /v1/links/{link}/qr.png",
    "GET /v1/links/{link}/poster",
    "GET /v1/campaigns/{code}/links/posters",
    "GET /v1/jobs",
    "GET /v1/jobs/{job_id}",
}
"""Reading these needs any valid token; all others need a scope."""
