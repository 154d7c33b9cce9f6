"""Rules of reading a roster's invitations."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.core.database import driver_connection
from app.core.keyring import Keyring
from app.core.problems import NotFound
from app.links import invitations
from app.links import service as links
from app.links.problems import InvitationsGone
from app.rosters import queries


class PersonalLink(NamedTuple):
    """The invitation of one person, who is named by the row of the list alone."""

    row: int
    unit: str
    population: str
    batch: int
    token: str
    revoked: bool


async def links_of(
    session: AsyncSession, caller: Principal, keyring: Keyring, code: str, roster: int
) -> Iterator[PersonalLink]:
    """The invitations of a roster to units that the caller sees, in order of the rows.

    Errors: CountyRequired, NotFound, InvitationsGone.
    """
    await links.require_county(session, caller)
    campaign = await campaigns.visible(session, caller, code)
    batches = await links.batches_of_roster(session, caller, campaign, roster)
    if not batches:
        raise NotFound("There is no such roster that this client can see.")
    signer = keyring.find("invitation", batches[0].key_id)  # all were made in one request
    if signer is None:
        raise InvitationsGone()
    found = {one.id: one for one in batches}
    rows = await queries.invitations(await driver_connection(session), found)
    if not rows:
        raise InvitationsGone("Who was invited was erased with the campaign's key.")
    audit.record(session, caller, "roster.export", code, roster=roster, rows=len(rows))
    return (
        PersonalLink(
            row=row,
            unit=found[batch].unit,
            population=found[batch].population,
            batch=batch,
            token=invitations.token(signer, batch, serial),
            revoked=found[batch].revoked,
        )
        for row, batch, serial in rows
    )
