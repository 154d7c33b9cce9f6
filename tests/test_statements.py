"""What another PostgreSQL is asked is all that tests send."""

from pathlib import Path

import asyncpg

from tests import statements
from tests.statements import Noted


def test_few_tests_send_what_all_do() -> None:
    tests = {
        "all but one, slowly": Noted(9.0, frozenset("abcd")),
        "two": Noted(0.1, frozenset("ab")),
        "two others": Noted(0.1, frozenset("cd")),
        "one of them": Noted(0.0, frozenset("c")),
        "the last one": Noted(5.0, frozenset("ae")),
        "nothing": Noted(0.0, frozenset()),
    }
    assert statements.few(tests) == {"two", "two others", "the last one"}
    assert statements.few({}) == set()


async def test_what_a_test_sends_is_noted(database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database_url)
    statements.note(tmp_path, "before", 0.0)
    with statements.listening():
        assert await connection.fetchval("SELECT $1::int WHERE 3 IN (1, 2,  3)", 7) == 7
        await connection.execute("SELECT 'of no interest',\n 12")
    await connection.close()
    statements.note(tmp_path, "test", 0.5)
    sent = {"SELECT $0::int WHERE 0 IN (…)", "SELECT '', 0"}
    assert statements.noted(tmp_path)["test"] == Noted(0.5, frozenset(sent))
