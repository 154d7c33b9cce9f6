"""The long form of tests/fuzz/test_schema.py, as a table: see scripts/fuzz."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from app.core.limits.policies import PER_MINUTE
from tests.chaos.ledger import authorised, connected
from tests.fuzz.asking import Asking, Tally
from tests.fuzz.requests import edges, operations, random_cases, schema_of
from tests.fuzz.world import made
from tests.fuzz.writes import watch
from tests.processes import Server, server

_MOST_REQUESTS = 1_000_000
_EDGES = 1_000
"""Cases of an operation at the edges of its schema."""
_AT_ONCE = 40
"""Random cases of an operation in a round."""
_NO_LIMITS = {"XINSHENG_LIMITS": ", ".join(f"{name}=1000000000" for name in PER_MINUTE)}


def main() -> None:
    """Ask and print; exit status 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000, help="how many at least")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # nosec B311
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="xinsheng-fuzz-") as folder:
        wanted = min(arguments.requests, _MOST_REQUESTS)
        with server(Path(folder) / "data", "--workers", "1", environment=_NO_LIMITS) as running:
            tally = asyncio.run(_asked(running, wanted, arguments.seed))
    _print(tally)
    sys.exit(1 if tally.failures else 0)


async def _asked(running: Server, wanted: int, seed: int) -> Tally:
    chance = random.Random(seed)  # nosec B311 # not for secrets
    async with authorised(running) as admin:
        world = await made(admin)
        connection = await connected(running.data_dir)
        await watch(connection)
        asking = Asking(admin.http, connection, world)
        found = operations(schema_of((await admin.get("/openapi.json")).json()))
        for operation in found:
            await asking.ask(edges(operation, _EDGES), chance, real=False)
        while asking.tally.asked < wanted:
            print(f"{asking.tally.asked:>9,} requests", file=sys.stderr, flush=True)
            for operation in found:
                cases = random_cases(operation, _AT_ONCE, chance.getrandbits(32))
                await asking.ask(cases, chance, real=True)
        await connection.close()
    return asking.tally


def _print(tally: Tally) -> None:
    print(f"{'operation':<55}{'requests':>9}{'2xx':>8}{'4xx':>8}{'5xx':>6}{'wrong':>7}  statuses")
    for operation, statuses in sorted(tally.statuses.items()):
        classes = [
            sum(times for status, times in statuses.items() if status // 100 == hundred)
            for hundred in (2, 4, 5)
        ]
        wrong = sum(times for (where, _), times in tally.seen.items() if where == operation)
        print(
            f"{operation:<55}{statuses.total():>9,}{classes[0]:>8,}{classes[1]:>8,}"
            f"{classes[2]:>6,}{wrong:>7,}  "
            + " ".join(f"{status}:{times}" for status, times in sorted(statuses.items()))
        )
    callers = ", ".join(f"{who} {times:,}" for who, times in tally.callers.most_common())
    print(f"\n{tally.asked:,} requests by {callers}.")
    for operation, failures in sorted(tally.failures.items()):
        for told in failures:
            print(f"\n{operation}\n  {told}")
    if not tally.failures:
        print("Nothing was wrong: no 5xx, every reply as documented, nothing stored by a refusal.")


if __name__ == "__main__":
    main()
