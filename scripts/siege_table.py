"""The long form of the siege in tests/attacks, as a table: see scripts/siege."""

import argparse
import asyncio
import tempfile
from pathlib import Path

import uvloop

from tests.attacks.siege import Answering, Host, Siege, siege
from tests.chaos.ledger import assert_counts_are_the_rows, assert_each_once, authorised
from tests.chaos.served import Served
from tests.factories import link, open_campaign, tree
from tests.processes import server

_MOST_CONNECTIONS = 15_000
_MOST_SECONDS = 600


def main() -> None:
    """Besiege and print; ends with a traceback where something was lost or counted twice."""
    parser = argparse.ArgumentParser(prog="scripts/siege", description=__doc__)
    parser.add_argument("--idle", type=int, default=10_000, help="connections that say nothing")
    parser.add_argument("--slow", type=int, default=500, help="heads, and bodies, that trickle")
    parser.add_argument("--endless", type=int, default=50, help="bodies, and sizes, without end")
    parser.add_argument("--deaf", type=int, default=50, help="who reads no reply")
    parser.add_argument("--seconds", type=int, default=60, help="quiet, and then besieged")
    arguments = parser.parse_args()
    host = Host(arguments.idle, arguments.slow, arguments.endless, arguments.deaf)
    if host.connections > _MOST_CONNECTIONS:
        parser.error(f"at most {_MOST_CONNECTIONS:,} connections in all")
    with tempfile.TemporaryDirectory(prefix="xinsheng-siege-") as folder:
        seconds = min(arguments.seconds, _MOST_SECONDS)
        _print(uvloop.run(_besieged(Path(folder) / "data", host, seconds)))


async def _besieged(data_dir: Path, host: Host, seconds: int) -> Siege:
    with server(data_dir, "--workers", "1") as running:
        async with authorised(running) as api:
            await tree(api)
            await open_campaign(api)
            served = Served(running, api, await link(api))
            found = await siege(served, host, seconds)
        await assert_each_once(data_dir, served.stored, served.stored)
        await asyncio.to_thread(assert_counts_are_the_rows, data_dir)
    return found


def _print(found: Siege) -> None:
    print(f"{'':<10}{'parents':>9}{'answered':>10}{'first try':>11}{'p50 ms':>8}{'p99 ms':>8}")
    _print_row("quiet", found.quiet)
    _print_row("besieged", found.besieged)
    print(f"\nAn idle connection took {found.bytes_per_idle_connection:,.0f} bytes of memory.")
    print(f"Attackers connected {found.attacks:,} times. What they heard:")
    for heard, times in found.told.most_common():
        print(f"  {heard:<16}{times:>9,}")


def _print_row(name: str, one: Answering) -> None:
    print(
        f"{name:<10}{one.asked:>9,}{one.share:>10.1%}{one.at_first:>11.2%}"
        f"{one.milliseconds(0.5):>8.0f}{one.milliseconds(0.99):>8.0f}"
    )


if __name__ == "__main__":
    main()
