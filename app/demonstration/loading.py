"""Loading the demonstration: as often as you like, and on from wherever it was killed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from app.core import clock
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.demonstration import credentials, earlier_wave, queries, telephone_wave
from app.demonstration.credentials import BUREAU, CONTRACTOR, DASHBOARD, PUBLIC, Credential
from app.demonstration.opinions import INVITATIONS, Person, Population, respondents
from app.demonstration.places import schools
from app.demonstration.setting_up import CAMPAIGNS, NotLoaded, set_up
from app.identity import devices
from app.links import invitations
from app.releases import service as releases
from app.responses import service as responses
from app.responses.schemas import SubmissionIn
from app.responses.service import Reception
from app.telephone import service as telephone

Progress = Callable[[str], None]

SHOWN_SCHOOL = "370705-S06"
"""The school whose link and invitation people are shown."""
_AT_ONCE = 512
_TRIES_FOR_LOCK = 300
_PAUSE = 0.2


@dataclass(frozen=True)
class Shown:
    """What people are shown of the demonstration."""

    credentials: tuple[Credential, ...]
    """The clients of the bureau, of the contractor, of a dashboard and of the public."""
    link_url: str
    invitation_url: str
    """An invitation that has not been used, as long as there is one."""
    results_url: str
    page_url: str
    """The results page, with the credentials that open it in its fragment."""


@dataclass(frozen=True)
class _Doors:
    """The ways in to one campaign, by school."""

    campaign_id: int
    links: dict[str, str]
    tokens: dict[str, list[str]]


async def load(
    database: Database,
    reception: Reception,
    keyring: Keyring,
    settings: Settings,
    *,
    progress: Progress,
) -> Shown:
    """Load what is not there yet, in transactions of its own. `progress` is told each step.

    Errors: NotLoaded where it would touch what is somebody's own.
    """
    async with _alone(database):
        clients = await _prepare(database, keyring, settings, progress)
        doors = {
            population: await _doors(database, keyring, code)
            for population, code in CAMPAIGNS.items()
        }
        await _answer(database, reception, doors, progress)
        await _deliver(database, reception, clients[CONTRACTOR], progress)
        await _hold_earlier(database, keyring, reception, clients[BUREAU], progress)
        for code in (earlier_wave.EARLIER, *CAMPAIGNS.values()):
            await _release(database, code)
    base, parents, public = settings.public_url, doors["parent"], clients[PUBLIC]
    return Shown(
        credentials=tuple(clients[name] for name in (BUREAU, CONTRACTOR, DASHBOARD, PUBLIC)),
        link_url=f"{base}/s/{parents.links[SHOWN_SCHOOL]}",
        invitation_url=f"{base}/i/{await _unused(reception, parents.tokens[SHOWN_SCHOOL])}",
        results_url=f"{base}/v1/campaigns/{CAMPAIGNS['parent']}/results?by=unit&level=county",
        page_url=f"{base}/results/{CAMPAIGNS['parent']}#{public.client_id}:{public.client_secret}",
    )


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    async with database.pool.acquire() as connection:
        for _ in range(_TRIES_FOR_LOCK):
            if await queries.try_lock(connection):
                break
            await asyncio.sleep(_PAUSE)
        else:
            raise NotLoaded("Another process is loading the demonstration: wait until it is done.")
        yield  # giving the connection back gives the lock back


async def _prepare(
    database: Database, keyring: Keyring, settings: Settings, progress: Progress
) -> dict[str, Credential]:
    """The clients; and, the first time, all that is there before the first answer."""
    async with database.sessions.begin() as session:
        known = await credentials.known(session, settings.data_dir)
        clients = dict(known)
        if BUREAU not in clients:
            clients[BUREAU] = await credentials.make(session, BUREAU)
        if await queries.campaign(session, CAMPAIGNS["parent"]) is None:
            progress("Loading the demonstration: units, campaigns, links …")
            bureau = await credentials.principal(session, clients[BUREAU])
            await set_up(session, bureau, keyring)
        for name in (CONTRACTOR, DASHBOARD, PUBLIC):
            if name not in clients:
                clients[name] = await credentials.make(session, name)
        if clients != known:
            credentials.keep(settings.data_dir, clients.values())
    return clients


async def _doors(database: Database, keyring: Keyring, code: str) -> _Doors:
    async with database.sessions.begin() as session:
        campaign = await queries.campaign(session, code)
        assert campaign is not None, "set up together with its answers' ways in"
        links = await queries.links(session, campaign.id)
        batches = await queries.batches(session, campaign.id)
    subkey = keyring.current("invitation")
    tokens = {
        unit: list(invitations.tokens(subkey, batch.id, INVITATIONS))
        for unit, batch in batches.items()
    }
    return _Doors(campaign.id, links, tokens)


async def _answer(
    database: Database,
    reception: Reception,
    doors: dict[Population, _Doors],
    progress: Progress,
) -> None:
    """Let everybody answer who has not, through the same intake as a real person's answer."""
    waiting: list[Person] = []
    for population, door in doors.items():
        people = [one for school in schools() for one in respondents(school, population)]
        async with database.sessions.begin() as session:
            ids = [one.submission_id for one in people]
            stored = await queries.stored(session, door.campaign_id, ids)
        waiting += [one for one in people if one.submission_id not in stored]
    for start in range(0, len(waiting), _AT_ONCE):
        if start % (4 * _AT_ONCE) == 0:
            progress(f"Loading the demonstration: {len(waiting) - start:,} answers to come …")
        some = waiting[start : start + _AT_ONCE]
        # Each school's way in is looked up once, not by all of its people at the same time.
        for find_door in {
            (one.population, one.school, one.invitation is None): _way_in(reception, doors, one)
            for one in some
        }.values():
            await find_door(False)
        await asyncio.gather(*(_respond(reception, doors, one) for one in some))


def _way_in(
    reception: Reception, doors: dict[Population, _Doors], person: Person
) -> responses.FindDoor:
    school, ways = person.school.code, doors[person.population]
    if person.invitation is None:
        link = ways.links[school]
        return lambda fresh: responses.by_link(reception, link, fresh=fresh)
    token = ways.tokens[school][person.invitation]
    return lambda fresh: responses.by_invitation(reception, token, fresh=fresh)


async def _respond(reception: Reception, doors: dict[Population, _Doors], person: Person) -> None:
    by_link = person.invitation is None
    sent = SubmissionIn(
        submission_id=person.submission_id,
        answers=dict(person.answers),
        started_at=clock.now() - timedelta(seconds=person.seconds),
        locale="zh-CN",
        device_proof=devices.issue(reception.keyring) if by_link else None,
    )
    await responses.respond(reception, _way_in(reception, doors, person), sent)


async def _deliver(
    database: Database, reception: Reception, contractor: Credential, progress: Progress
) -> None:
    """Deliver the contractor's wave, unless it has been: one delivery, all of it or nothing."""
    async with database.sessions.begin() as session:
        campaign = await queries.campaign(session, CAMPAIGNS["parent"])
        assert campaign is not None, "set up before anything is delivered"
        if await queries.interviewed(session, campaign.id, telephone_wave.FIRST):
            return
        wave = telephone_wave.interviews(campaign.opens_at)
        progress(f"Loading the demonstration: {len(wave)} telephone interviews …")
        caller = await credentials.principal(session, contractor)
        items = telephone.one_part(wave)
        target = (session, caller, reception.directory, campaign)
        reply = await telephone.deliver(*target, items, name="demonstration")
        assert reply["rejected"] == 0, reply


async def _hold_earlier(
    database: Database,
    keyring: Keyring,
    reception: Reception,
    bureau: Credential,
    progress: Progress,
) -> None:
    """The spring's campaign with its counts, unless it is there: all of it or nothing."""
    async with database.sessions.begin() as session:
        if await queries.campaign(session, earlier_wave.EARLIER) is None:
            progress("Loading the demonstration: the spring before …")
            caller = await credentials.principal(session, bureau)
            await earlier_wave.deliver(session, caller, keyring, reception.directory)


async def _release(database: Database, code: str) -> None:
    """The first release, which the public would else see only after a night."""
    async with database.sessions.begin() as session:
        campaign = await queries.campaign(session, code)
        assert campaign is not None, "set up before"
        if await releases.latest(session, campaign.id) is None:
            await releases.make(session, campaign)


async def _unused(reception: Reception, tokens: Sequence[str]) -> str:
    """The first invitation that nobody has answered by; else the last."""
    for token in tokens:
        door = await responses.by_invitation(reception, token)
        if not await responses.has_answered(reception, door, responses.Shown()):
            return token
    return tokens[-1]
