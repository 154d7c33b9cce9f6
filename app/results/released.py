"""The two views of a campaign: live for results:exact, and the latest release for everyone else."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.problems import FieldError, InvalidInput
from app.counts import sums
from app.counts.reading import counted
from app.counts.selection import Counted, Selection
from app.releases import service as releases
from app.releases.reading import released
from app.releases.tables import Release
from app.results.counting import Respondents
from app.results.problems import NoRelease


class Seen(NamedTuple):
    """What a view shows of a selection."""

    found: list[Counted]
    """In a release a group that is hidden has zeros."""
    respondents: list[Respondents] | None
    """In a release: of all groups, hidden or not. None: the sums say it."""


@dataclass(frozen=True)
class View:
    """What a caller sees of a campaign."""

    as_of: datetime
    release: Release | None
    """None: everything, as it is now."""

    @property
    def exact(self) -> bool:
        """Whether nothing is hidden."""
        return self.release is None

    async def seen(self, session: AsyncSession, selection: Selection) -> Seen:
        """The sums that are shown of what is asked for, by channel in any case where it is a
        release. Errors: InvalidInput for what no release can say."""
        if self.release is None:
            return Seen(await counted(session, selection), None)
        _check(selection)
        groups = await released(
            session,
            self.release,
            root_id=selection.root_id,
            level=selection.level,
            layouts=selection.layouts,
        )
        if selection.channel is not None:
            groups = [one for one in groups if one.counted.channel == selection.channel]
        nothing = {one: [0] * sums.width(layout) for one, layout in selection.layouts.items()}
        found: list[Counted] = []
        respondents: list[Respondents] = []
        for group, persons in groups:
            found.append(group if group.sums else group._replace(sums=nothing[group.population]))
            respondents.append(Respondents(group.unit, group.population, group.channel, persons))
        return Seen(found, respondents)


async def view_of(
    session: AsyncSession, caller: Principal, campaign: Campaign, number: int | None = None
) -> View:
    """What this caller sees of a campaign; with `number` what everybody saw in that release.

    Errors: NoRelease; InvalidInput for a number that no release has.
    """
    if number is None and caller.may("results:exact"):
        return View(clock.now(), None)
    release = await releases.latest(session, campaign.id)
    if release is None:
        raise NoRelease()
    if number is not None:
        release = await releases.numbered(session, campaign.id, number)
        if release is None:
            message = "Give the number of a release of this campaign."
            raise InvalidInput(errors=[FieldError("?release", "unknown_release", message)])
    return View(release.as_of, release)


def _check(selection: Selection) -> None:
    errors = []
    if selection.by_day:
        errors.append(_refused("?by", "Releases are not told by day: that needs results:exact."))
    if selection.clean:
        errors.append(_refused("?quality", "Releases hold all responses: leave it out."))
    if selection.source != "all":
        errors.append(_refused("?source", "Releases hold all sources: leave it out."))
    if errors:
        raise InvalidInput(errors=errors)


def _refused(where: str, message: str) -> FieldError:
    return FieldError(where, "exact_only", message)
