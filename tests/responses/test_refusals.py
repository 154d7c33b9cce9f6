"""Refused responses bind nothing, and take nothing from what is stored."""

from app.responses.submission import Outcome
from tests.factories import Api
from tests.responses.test_ledger import claims, counted, encoded, made, prints, store


async def test_a_repetition_with_a_further_proof_leaves_the_claims_as_they_were(
    ready: Api,
) -> None:
    first = await made(ready, "openid")
    await store(ready, first)
    again = await made(ready, "openid", "invitation", submission_id=first.submission_id)
    assert await store(ready, again) == [Outcome.replayed]
    assert await claims(ready) == {(*prints("openid"), first.submission_id)}
    assert await store(ready, await made(ready, "openid")) == [Outcome.already_answered]


async def test_of_one_batch_the_first_gets_a_shared_proof(ready: Api) -> None:
    for number in range(8):
        person = f"p{number}"
        batch = [await made(ready, person, encoded=encoded(n + 1)) for n in range(4)]
        outcomes = await store(ready, *batch)
        assert outcomes == [Outcome.stored] + [Outcome.already_answered] * 3
    assert await counted(ready) == {encoded(1).answers: 8}
