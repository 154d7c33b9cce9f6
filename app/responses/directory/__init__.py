"""What a process remembers of campaigns, links and batches, so that answering needs no look-up.

A memory is good while the campaign's revision stands. Readers ask for `fresh` entries; the intake
trusts what is remembered and has its own statement check the revision, so no process can act on
rules that were changed, however many there are.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from app.campaigns.service import key_context
from app.core.database import Connection, Pool, lent
from app.core.keyring import Keyring
from app.identity.fingerprints import ProofKind
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from app.responses.directory import queries
from app.responses.tables import Channel

_REMEMBERED = 20_000


@dataclass(frozen=True)
class Consent:
    """One language of what people agree to by sending."""

    locale: str
    text_sha256: bytes
    """Of the exact text, in UTF-8."""


@dataclass(frozen=True)
class Questionnaire:
    """A published version: its definition and its compiled form."""

    code: str
    version: int
    definition: Definition
    validator: Validator
    consents: Mapping[int, Consent] = field(default_factory=dict)
    """The texts that people agree to by sending, by their ids."""

    def consent_id(self, locale: str | None) -> int | None:
        """The consent text that is shown to who reads this language: in it, or else in the
        questionnaire's own."""
        ids = self._consent_ids
        return ids.get(locale or "") or ids.get(self.definition.default_locale)

    @cached_property
    def _consent_ids(self) -> dict[str, int]:
        return {consent.locale: id for id, consent in self.consents.items()}


@dataclass(frozen=True)
class Population:
    """One population of a campaign and what it is asked."""

    position: int
    code: str
    questionnaire: Questionnaire
    under_14: bool
    max_children: int


@dataclass(frozen=True)
class Rules:
    """A campaign's rules at one revision, its keys unwrapped."""

    id: int
    code: str
    title: str
    revision: int
    state: str
    region_id: int
    region_name: str
    opens_at: datetime
    closes_at: datetime
    delivery_days: int
    purpose: str | None
    answers_shown: timedelta
    """For so long after answering a receipt shows the answers."""
    erased_from: datetime
    """From when on what could lead to a person is erased."""
    identity: frozenset[str]
    once_per: str
    on_duplicate: str
    contact: dict[str, str]
    legal: dict[str, str]
    identity_key: bytes | None
    """None once the key was destroyed; no campaign that takes answers is without."""
    receipt_key: bytes
    populations: tuple[Population, ...]
    sandbox: bool = False
    """Whether it is for trying, and nothing in it counts."""

    def population(self, code: str) -> Population | None:
        """The population with this code."""
        return next((one for one in self.populations if one.code == code), None)


@dataclass(frozen=True)
class Entrance:
    """A link or a batch of invitations: the way in for one population of one unit."""

    rules: Rules
    population: Population
    unit_id: int
    unit_code: str
    unit_name: str
    origin_id: int
    channel: Channel
    revoked: bool
    count: int = 0
    """For a batch: how many invitations it has."""
    roster: bool = False
    """For a batch: whether more is known of those who are invited than the invitation."""

    def admits(self, kind: ProofKind) -> bool:
        """Whether this kind of proof is taken here; of children only anonymous invitations are."""
        if self.population.under_14 and kind != "invitation":
            return False
        return kind in self.rules.identity


class Directory:
    """One process's memory of ways in and of rules."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self._entrances: OrderedDict[str | int, Entrance] = OrderedDict()
        self._rules: dict[int, Rules] = {}
        self._questionnaires: dict[tuple[int, int], Questionnaire] = {}

    def remembers(self, code: str) -> bool:
        """Whether there is a link with this code for sure."""
        return code in self._entrances

    async def link(self, code: str, *, fresh: bool = False) -> Entrance | None:
        """The way in by a link's code."""
        known = None if fresh else self._entrances.get(code)
        return known or await self._load(code, Channel.link)

    async def batch(self, batch_id: int, *, fresh: bool = False) -> Entrance | None:
        """The way in by a batch of invitations."""
        known = None if fresh else self._entrances.get(batch_id)
        return known or await self._load(batch_id, Channel.invitation)

    async def campaign(self, connection: Connection, code: str) -> Rules | None:
        """A campaign's present rules."""
        campaign_id = await queries.campaign_id(connection, code)
        if campaign_id is None:
            return None
        return await self.campaign_by_id(connection, campaign_id)

    async def campaign_by_id(self, connection: Connection, campaign_id: int) -> Rules | None:
        """A campaign's present rules, by its id."""
        revision = await queries.revision(connection, campaign_id)
        if revision is None:
            return None
        return await self._present_rules(connection, campaign_id, revision)

    def forget_keys(self, campaign_ids: frozenset[int]) -> None:
        """Remember nothing under the identity keys of these campaigns, which were destroyed."""
        for campaign_id in campaign_ids & self._rules.keys():
            if self._rules[campaign_id].identity_key is not None:
                del self._rules[campaign_id]
        for key, entrance in list(self._entrances.items()):
            if entrance.rules.id in campaign_ids and entrance.rules.identity_key is not None:
                del self._entrances[key]

    async def _load(self, key: str | int, channel: Channel) -> Entrance | None:
        async with lent(self._pool) as connection:
            if isinstance(key, str):
                row = await queries.link(connection, key)
            else:
                row = await queries.batch(connection, key)
            if row is None:
                return None
            rules = await self._present_rules(connection, row["campaign_id"], row["revision"])
        entrance = Entrance(
            rules=rules,
            population=next(one for one in rules.populations if one.position == row["population"]),
            unit_id=row["unit_id"],
            unit_code=row["unit_code"],
            unit_name=row["unit_name"],
            origin_id=row["id"],
            channel=channel,
            revoked=row["revoked"],
            count=row.get("count", 0),
            roster=row.get("roster") is not None,
        )
        self._entrances[key] = entrance
        if len(self._entrances) > _REMEMBERED:
            self._entrances.popitem(last=False)
        return entrance

    async def _present_rules(
        self, connection: Connection, campaign_id: int, revision: int
    ) -> Rules:
        known = self._rules.get(campaign_id)
        if known is not None and known.revision >= revision:
            return known
        campaign, populations = await queries.rules(connection, campaign_id)
        rules = Rules(
            id=campaign_id,
            code=campaign["code"],
            title=campaign["title"],
            revision=campaign["revision"],
            state=campaign["state"],
            sandbox=campaign["sandbox"],
            region_id=campaign["region_id"],
            region_name=campaign["region_name"],
            opens_at=campaign["opens_at"],
            closes_at=campaign["closes_at"],
            delivery_days=campaign["delivery_days"],
            purpose=campaign["purpose"],
            answers_shown=timedelta(minutes=campaign["answers_shown_minutes"]),
            erased_from=campaign["erased_from"],
            identity=frozenset(campaign["identity"]),
            once_per=campaign["once_per"],
            on_duplicate=campaign["on_duplicate"],
            contact=json.loads(campaign["contact"] or "{}"),
            legal=json.loads(campaign["legal"] or "{}"),
            identity_key=self._unwrapped(campaign_id, "identity", campaign["identity_key"]),
            receipt_key=self._unwrapped(campaign_id, "receipt", campaign["receipt_key"]) or b"",
            populations=tuple(
                [
                    Population(
                        row["position"],
                        row["code"],
                        await self._asked(connection, row),
                        row["under_14"],
                        row["max_children"],
                    )
                    for row in populations
                ]
            ),
        )
        self._rules[campaign_id] = rules
        return rules

    def _unwrapped(self, campaign_id: int, purpose: str, wrapped: bytes | None) -> bytes | None:
        if wrapped is None:
            return None
        return self._keyring.unwrap(wrapped, context=key_context(campaign_id, purpose))

    async def _asked(self, connection: Connection, row: Any) -> Questionnaire:
        key = row["questionnaire_id"], row["version"]
        if key not in self._questionnaires:
            definition = Definition.model_validate_json(await queries.definition(connection, *key))
            self._questionnaires[key] = Questionnaire(
                row["questionnaire"],
                row["version"],
                definition,
                Validator(definition),
                {
                    one["id"]: Consent(one["locale"], one["text_sha256"])
                    for one in await queries.consents(connection, *key)
                },
            )
        return self._questionnaires[key]
