"""A questionnaire of two hundred questions costs no statement more than one of six."""

from collections import Counter
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from app.core.database import Database
from scripts.bench.forms import form
from tests.factories import Api, link, open_campaign, tree
from tests.phone_page.conftest import Browser, hidden

_ours: ContextVar[bool] = ContextVar("_ours", default=False)
"""Whether it is this test that asks, and none of the tasks that the app does by itself."""


@pytest.fixture
async def statements(admin: Api, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is sent to the database, by sessions and without them."""
    counted: Counter[str] = Counter()
    database: Database = admin.app.state.database
    async with database.sessions() as session:
        engine = session.get_bind()

    def count(kind: str) -> None:
        if _ours.get():
            counted[kind] += 1

    event.listen(engine, "before_cursor_execute", lambda *_: count("session"))
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        plain = getattr(asyncpg.Connection, name)

        async def counting(self: Any, *given: Any, plain: Any = plain, **options: Any) -> Any:
            count("bare")
            return await plain(self, *given, **options)

        monkeypatch.setattr(asyncpg.Connection, name, counting)
    return counted


async def test_publishing_showing_and_answering_take_as_many_statements_as_for_six(
    admin: Api, statements: Counter[str]
) -> None:
    _ours.set(True)
    await tree(admin)
    taken: dict[int, list[Counter[str]]] = {}
    for questions in (6, 200):
        code = f"of-{questions}"
        await admin.made("PUT", f"/v1/questionnaires/{code}", form(questions))
        steps = taken[questions] = []
        statements.clear()
        made = await admin.made("POST", f"/v1/questionnaires/{code}/publish")
        steps.append(Counter(statements))
        assert made["version"] == 1
        asked = {"parent": {"questionnaire": code, "version": 1}}
        await open_campaign(admin, code, populations=asked)
        path = f"/s/{await link(admin, campaign=code)}"
        browser = Browser(admin)
        for _ in range(2):
            statements.clear()
            page = await browser.open(path)
            steps.append(Counter(statements))
        assert page.text.count('<div class="question') == questions
        statements.clear()
        answers = {f"q.q{number}": "no" for number in range(0, questions, 5)}
        thanks = await browser.send(path, {**hidden(page.text), **answers})
        assert thanks.status_code == 201
        steps.append(Counter(statements))
    assert taken[6] == taken[200]
    assert all(one.total() for one in taken[6])
