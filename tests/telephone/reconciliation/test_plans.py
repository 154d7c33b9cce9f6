"""Plans of deliveries, and which days kept to them."""

from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from app.core.clock import SHANGHAI
from app.telephone.reconciliation.plans import punctuality
from app.telephone.reconciliation.tables import DeliveryPlan
from tests.factories import Api
from tests.telephone.deliveries import delivered, interview
from tests.telephone.reconciliation.files import URL, client_id, of_contractor

PLANS = "/v1/campaigns/C/delivery-plans"
PLAN = {"from": "2026-11-02", "to": "2026-11-08", "weekdays": [1, 3, 5], "by": "20:00"}
MONDAY = date(2026, 11, 2)


async def test_a_plan_is_made_changed_and_read(bureau: Api, contractor: Api, other: Api) -> None:
    name = await client_id(contractor)
    made = await bureau.put(f"{PLANS}/{name}", PLAN)
    assert made.status_code == 201, made.text
    plan = {**PLAN, "per_day": {"interviews": None}, "source": name}
    assert made.json() == plan
    changed = await bureau.put(f"{PLANS}/{name}", {**PLAN, "per_day": {"interviews": 500}})
    assert (changed.status_code, changed.json()["per_day"]) == (200, {"interviews": 500})
    for api, seen in ((bureau, [changed.json()]), (contractor, [changed.json()]), (other, [])):
        assert (await api.made("GET", PLANS))["items"] == seen
    for wrong in (contractor, other):
        assert (await wrong.put(f"{PLANS}/{name}", PLAN)).status_code == 403
    no_contractor = await bureau.put(f"{PLANS}/nobody", PLAN)
    assert no_contractor.status_code == 404


async def test_a_plan_that_makes_no_sense_is_refused(bureau: Api, contractor: Api) -> None:
    url = f"{PLANS}/{await client_id(contractor)}"
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("/weekdays/0", {"weekdays": [0]}),
        ("/weekdays", {"weekdays": []}),
        ("/weekdays", {"weekdays": [1, 1]}),
        ("/by", {"by": "8 pm"}),
        ("/by", {"by": "20:00+08:00"}),
        ("/by", {"by": 20}),
        ("", {"to": "2026-11-01"}),
        ("", {"to": "2028-11-01"}),
        ("", {"from": "0001-01-01", "to": "0001-01-02"}),
        ("/per_day/interviews", {"per_day": {"interviews": 0}}),
        ("/hours", {"hours": 2}),
    ]
    for where, change in wrong:
        reply = await bureau.put(url, {**PLAN, **change})
        assert reply.status_code == 422, change
        assert [one["pointer"] for one in reply.json()["errors"]] == [where], change
    assert (await bureau.made("GET", PLANS))["items"] == []


async def test_a_day_without_a_delivery_is_missing(bureau: Api, contractor: Api) -> None:
    name = await client_id(contractor)
    today = datetime.now(SHANGHAI).date()
    plan = {
        "from": str(today - timedelta(days=3)),
        "to": str(today + timedelta(days=3)),
        "by": "00:00",
    }
    await bureau.made("PUT", f"{PLANS}/{name}", plan)
    await delivered(contractor, interview())
    days = [str(today - timedelta(days=ago)) for ago in (3, 2, 1)]
    source, _ = await of_contractor(contractor)
    assert source["plan"]["missing"][:3] == days
    seen = await bureau.made("GET", URL, params={"source": name})
    assert seen["sources"][0]["plan"]["missing"][:3] == days


async def test_the_bureau_sees_a_contractor_that_never_delivered(
    bureau: Api, contractor: Api
) -> None:
    name = await client_id(contractor)
    today = datetime.now(SHANGHAI).date()
    plan = {"from": str(today - timedelta(days=1)), "to": str(today), "by": "00:00"}
    await bureau.made("PUT", f"{PLANS}/{name}", plan)
    [source] = (await bureau.made("GET", URL))["sources"]
    assert (source["source"], source["deliveries"]) == (name, 0)
    assert str(today - timedelta(days=1)) in source["plan"]["missing"]


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(MONDAY + timedelta(days=day), time(hour, minute), SHANGHAI)


def _plan(**changes: Any) -> DeliveryPlan:
    columns = {
        "first_day": MONDAY,
        "last_day": MONDAY + timedelta(days=6),
        "weekdays": [1, 3, 5],
        "due_by": time(20),
        "interviews": 100,
    }
    return DeliveryPlan(**{**columns, **changes})


def _delivery(at: datetime, stored: int, kind: str = "interviews") -> Any:
    return SimpleNamespace(received_at=at, stored=stored, kind=kind)


def test_days_are_missing_late_or_short_by_the_clocks_of_shanghai() -> None:
    deliveries = [
        _delivery(_at(0, 20, 0), 60),  # Monday, on the minute, and the rest of it later
        _delivery(_at(0, 23, 59), 40),
        _delivery(_at(1, 9), 500),  # Tuesday is none of the plan's
        _delivery(_at(4, 20, 1), 99),
        _delivery(_at(4, 20, 2), 999, kind="tallies"),
    ]
    found = punctuality(_plan(), deliveries, _at(9, 0))
    wednesday, friday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=4)
    assert found.missing == [wednesday]
    assert [(one.day, one.first_at) for one in found.late] == [(friday, _at(4, 20, 1))]
    assert [(one.day, one.stored) for one in found.short] == [(friday, 99)]


def test_a_day_is_missing_from_its_hour_and_short_when_it_is_over() -> None:
    assert punctuality(_plan(), [], _at(0, 19, 59)).missing == []
    assert punctuality(_plan(), [], _at(0, 20, 0)).missing == [MONDAY]
    begun = [_delivery(_at(0, 9), 1)]
    assert punctuality(_plan(), begun, _at(0, 23, 59)).short == []
    assert [one.day for one in punctuality(_plan(), begun, _at(1, 0)).short] == [MONDAY]
    assert punctuality(_plan(interviews=None), begun, _at(1, 0)).short == []
