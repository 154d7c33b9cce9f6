"""Problems as part of the interface: unique, documented at their address, well formed."""

import importlib
import pkgutil
import re

import app as package
from app.core.problems import FieldError, InvalidInput, Problem, catalogue, pointer, replies
from tests.core.test_http import problem
from tests.factories import Api


def all_problems() -> list[type[Problem]]:
    """Every subclass in the package that is a type of its own, not only the last of a slug."""
    for module in pkgutil.walk_packages(package.__path__, "app."):
        if module.name.endswith(".problems"):
            importlib.import_module(module.name)
    found: list[type[Problem]] = []
    waiting = list(Problem.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting.extend(one.__subclasses__())
        if "slug" in vars(one) and one.__module__.startswith("app."):
            found.append(one)
    return found


def test_every_problem_type_has_a_slug_of_its_own() -> None:
    slugs = sorted(one.slug for one in all_problems())
    assert slugs == sorted(set(slugs))
    assert [one.slug for one in catalogue() if one.__module__.startswith("app.")] == slugs
    assert len(slugs) >= 15


def test_every_problem_type_says_what_happened_and_what_to_do() -> None:
    for one in all_problems():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.slug), one
        assert 400 <= one.status <= 599, one
        assert 5 < len(one.title) < 100, one
        assert not one.title.endswith("."), one
        assert one.remedy.endswith("."), one
        document = one().document("r")
        assert document["detail"] == one.remedy
        assert document["status"] == one.status


async def test_the_type_of_a_problem_can_be_opened(api: Api) -> None:
    listed = (await api.get("/problems")).json()
    assert {one["type"] for one in listed} >= {f"/problems/{one.slug}" for one in all_problems()}
    for one in listed:
        found = await api.get(one["type"])
        assert found.status_code == 200
        assert found.json() == one
    problem(await api.get("/problems/no-such-type"), 404, "not-found")
    problem(await api.get("/problems/%00"), 404, "not-found")


def test_a_document_lists_its_errors() -> None:
    errors = [FieldError("/a", "missing", "Say a."), FieldError("?b", "bad", "Not b.")]
    document = InvalidInput("Two things.", errors=errors).document("f3a9")
    assert document == {
        "type": "/problems/invalid-input",
        "title": "The input is not valid",
        "status": 422,
        "detail": "Two things.",
        "request_id": "f3a9",
        "errors": [
            {"pointer": "/a", "code": "missing", "message": "Say a."},
            {"pointer": "?b", "code": "bad", "message": "Not b."},
        ],
    }


def test_pointers_follow_rfc_6901() -> None:
    assert pointer([]) == ""
    assert pointer([""]) == "/"
    assert pointer(["answers", 0, "a/b", "m~n", "~1", " ", "师德"]) == (
        "/answers/0/a~1b/m~0n/~01/ /师德"
    )


def test_pointers_to_absurd_names_are_harmless() -> None:
    assert pointer(["x" * 10_000]) == "/" + "x" * 100
    assert pointer([chr(0xD800)]).encode() == b"/?"


def test_replies_of_one_status_stand_together() -> None:
    types = [one for one in all_problems() if one.status == 422][:2]
    [(status, reply)] = replies(*types).items()
    assert status == 422
    assert reply["description"] == f"{types[0].title} · {types[1].title}"
    examples = reply["content"]["application/problem+json"]["examples"]
    assert set(examples) == {one.slug for one in types}
