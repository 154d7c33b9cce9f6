"""People who answer again and again by whatever they have, and what should come of it."""

import random
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.core import clock
from app.core.database import Database
from app.identity import accounts, devices
from tests.factories import Api, invitations, link, submission
from tests.telephone.deliveries import interview

SCHOOLS = ("A1", "A2")
VALUES = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")


@dataclass(frozen=True)
class Answer:
    """One response as it is sent: through which door, with which proofs."""

    path: str
    channel: str
    unit: str
    population: str
    proofs: tuple[str, ...]
    """Names of all that is to be claimed, a child's number behind those that depend on it."""
    body: dict[str, Any]
    cookie: str | None = None

    @property
    def id(self) -> str:
        """Its submission id."""
        return str(self.body["submission_id"])

    @property
    def content(self) -> str:
        """What makes it the same submission again."""
        return repr(sorted(self.body["answers"].items()))


@dataclass
class Person:
    """What one person can show."""

    name: str
    openids: list[str]
    """Under two official accounts of one bureau: the same unionid."""
    device: str
    tokens: list[tuple[str, str, str]]
    """Invitations: token, unit, population."""
    phone: str


@dataclass
class People:
    """People, the doors that are open to them, and how chance has them answer."""

    api: Api
    campaign_id: int
    links: dict[tuple[str, str], str]
    persons: list[Person]
    chance: random.Random
    sent: list[Answer] = field(default_factory=list)

    def answer(self) -> Answer:
        """A response of somebody by something; now and then one that was sent before."""
        if self.sent and self.chance.random() < 0.2:
            former = self.chance.choice(self.sent)
            if self.chance.random() < 0.7:
                return former
            changed = submission(self.chance.choice(VALUES), **_without_answers(former.body))
            return Answer(**{**vars(former), "body": changed})
        made = self._new()
        self.sent.append(made)
        return made

    def _new(self) -> Answer:
        chance, person = self.chance, self.chance.choice(self.persons)
        account = chance.choice(person.openids) if chance.random() < 0.5 else None
        child = chance.choice([None, 1, 2])
        body = submission(chance.choice(VALUES), child=child)
        slot = "" if child in (None, 1) else f"/{child}"
        cookie, shown = None, []
        if account is not None:
            values = [f"openid/{account}", f"unionid/{person.name}"]
            proof = accounts.seal(self.api.app.state.keyring, self.campaign_id, values, clock.now())
            cookie = f"{accounts.COOKIE}={proof}"
            shown = [value + slot for value in values]
        if chance.random() < 0.4:
            token, unit, population = chance.choice(person.tokens)
            path, channel = f"/v1/invitations/{token}/responses", "invitation"
            shown.append(token)
        else:
            (unit, population), code = chance.choice(list(self.links.items()))
            path, channel = f"/v1/links/{code}/responses", "wechat" if account else "link"
            body["device_proof"] = person.device
            shown = shown or [f"device/{person.device}{slot}"]
        return Answer(path, channel, unit, population, tuple(shown), body, cookie)

    def interview(self, number: int) -> dict[str, Any]:
        """An interview with somebody."""
        person = self.chance.choice(self.persons)
        return interview(f"V-{number}", unit=self.chance.choice(SCHOOLS), phone=person.phone)

    async def send(self, answer: Answer) -> httpx.Response:
        """Send a response."""
        headers = {"Cookie": answer.cookie} if answer.cookie else {}
        return await self.api.http.post(answer.path, json=answer.body, headers=headers)


def _without_answers(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "answers"}


async def people(api: Api, seed: int, *, count: int) -> People:
    """People of campaign C, which is open and admits everything."""
    database: Database = api.app.state.database
    campaign_id = await database.pool.fetchval("SELECT id FROM campaigns WHERE code = 'C'")
    doors = [(unit, population) for unit in SCHOOLS for population in ("parent", "teacher")]
    links = {door: await link(api, *door) for door in doors}
    tokens = {door: await invitations(api, 5, *door) for door in doors}
    persons = [
        Person(
            name=f"person-{number}",
            openids=[f"wx{account}/o-{number}" for account in (1, 2)],
            device=devices.issue(api.app.state.keyring),
            tokens=[(tokens[door].pop(), *door) for door in doors] if number < 5 else [],
            phone=f"+861380000{number:04}",
        )
        for number in range(count)
    ]
    for person in persons[5:]:
        person.tokens = persons[0].tokens  # an invitation that was passed on
    return People(api, campaign_id, links, persons, random.Random(seed))
