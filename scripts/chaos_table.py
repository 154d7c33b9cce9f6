"""The long form of tests/chaos, as a table: see scripts/chaos."""

import argparse
import asyncio
import itertools
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.chaos.fire import Watched, under_fire
from tests.chaos.killing import KILLS
from tests.chaos.ledger import assert_counts_are_the_rows
from tests.chaos.pushes import KINDS, pushed
from tests.chaos.rounds import Ended, Round, rounds

_MOST_ROUNDS = 500
_MOST_PUSHED = 50
_MOST_SECONDS = 3600


def main() -> None:
    """Run and print; ends with a traceback at the first thing that is not as promised."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rounds of killing")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # nosec B311
    parser.add_argument("--fire", type=int, metavar="SECONDS", help="watch counts instead")
    parser.add_argument("--push", action="store_true", help="kill a push, so many rounds long")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xinsheng-chaos-") as folder:
        data_dir = Path(folder) / "data"
        if arguments.fire is not None:
            seconds = min(arguments.fire, _MOST_SECONDS)
            _print_watched(asyncio.run(under_fire(data_dir, seconds)), seconds)
            return
        print(f"seed {arguments.seed}", flush=True)
        if arguments.push:
            _push(Path(folder), min(arguments.rounds, _MOST_PUSHED), arguments.seed)
        else:
            asyncio.run(_kill(data_dir, min(arguments.rounds, _MOST_ROUNDS), arguments.seed))


def _kinds(count: int, seed: int) -> Iterator[str]:
    """Every kind in turn, in an order that the seed decides, shuffled anew each time."""
    chance = random.Random(seed)  # nosec B311 # not for secrets
    turns = (chance.sample(sorted(KILLS), len(KILLS)) for _ in itertools.count())
    return itertools.islice(itertools.chain.from_iterable(turns), count)


def _push(folder: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)  # nosec B311 # not for secrets
    kinds = [chance.choice(KINDS) for _ in range(count)]
    for done in pushed(folder, kinds, seed=seed):
        for number, (killed, parts) in enumerate(done.killed):
            print(f"{number:>5}  {killed:<21}after {parts:,} parts", flush=True)
        print(f"\n{done.items:,} interviews, the client started {done.starts} times:\n{done.said}")
        assert f"exactly this file ({done.items:,} interviews" in done.said
        assert_counts_are_the_rows(folder / "data")


async def _kill(data_dir: Path, count: int, seed: int) -> None:
    done: dict[str, list[Round]] = defaultdict(list)
    print(f"{'round':>5}  {'killed':<21}{'away s':>7}{'acknowledged':>13}{'stored':>8}", flush=True)
    async for one in rounds(data_dir, _kinds(count, seed), seed=seed):
        match one:
            case Round():
                done[one.killed].append(one)
                print(
                    f"{one.number:>5}  {one.killed:<21}{one.away:>7.2f}"
                    f"{one.acknowledged:>13,}{one.stored:>8,}",
                    flush=True,
                )
            case Ended():
                _print_table(done, one)


def _print_table(done: dict[str, list[Round]], ended: Ended) -> None:
    print(f"\n{'killed':<21}{'rounds':>7}{'away s, median':>16}{'worst':>7}{'503s':>8}{'lost':>7}")
    for killed, some in sorted(done.items()):
        away = [one.away for one in some]
        refusals = sum(one.refusals for one in some)
        losses = sum(one.losses for one in some)
        print(
            f"{killed:<21}{len(some):>7}{median(away):>16.2f}{max(away):>7.2f}"
            f"{refusals:>8,}{losses:>7,}"
        )
    print(
        f"\nAcknowledged {ended.acknowledged:,}, stored {ended.stored:,}, each once; the results "
        f"count {ended.respondents:,}; xinsheng recount --check finds nothing.\n"
        "503s and lost connections are replies that clients did not get; all sent again."
    )


def _print_watched(watched: Watched, seconds: int) -> None:
    print(f"{seconds} s of fire, each result between what was acknowledged and what was sent:")
    for name, number in watched.rows():
        print(f"  {name:<36}{number:>10,}")
    print("Afterwards xinsheng recount --check finds nothing.")


if __name__ == "__main__":
    main()
