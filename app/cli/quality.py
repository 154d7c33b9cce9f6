"""`xinsheng quality`: judging a campaign's responses now, instead of within some minutes."""

import argparse
import asyncio
from typing import Any

from app.access.principal import OPERATOR
from app.campaigns import service as campaigns
from app.cli.opening import opened, ready, say
from app.core import settings as environment
from app.core.settings import Settings
from app.doubts import service
from app.doubts.judging import judge


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add it to the command line (`commands`: what `add_subparsers` returned)."""
    quality = commands.add_parser(
        "quality",
        parents=[common],
        help="look for doubtful responses in a campaign, now",
        description="Flags what looks like stuffing by the thresholds of XINSHENG_QUALITY, and "
        "takes flags back that no longer hold, as the server does by itself every few minutes; "
        "beside a running server if there is one. Nothing is deleted or refused.",
    )
    quality.add_argument("campaign", help="the campaign's code")
    quality.set_defaults(run=_quality)


def _quality(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with ready(settings):
        asyncio.run(_judged(settings, arguments.campaign))


async def _judged(settings: Settings, code: str) -> None:
    async with opened(settings) as database:
        async with database.sessions.begin() as session:
            await campaigns.visible(session, OPERATOR, code)
        judged = await judge(database, code, settings.quality)
        async with database.sessions.begin() as session:
            campaign = await campaigns.visible(session, OPERATOR, code)
            found = await service.doubts(session, OPERATOR, campaign, settings.quality)
    say(f"{judged.changed:,} responses have other flags than before ({judged.seconds:.1f} s).")
    if judged.left:
        say(f"{judged.left:,} were being changed just now: run it again for them.")
    say(f"{sum(row.flagged for row in found.rows):,} counted responses are doubtful:")
    for one in found.signs:
        meaning = one.explanation["en"] if one.explanation else "switched off"
        say(f"{one.responses:>10,}  {one.sign}: {meaning}")
