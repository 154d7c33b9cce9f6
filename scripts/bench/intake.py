"""Accepted responses per second, ours against a textbook's handler and one that stores nothing.

    .venv/bin/python -m scripts.bench.intake [--workers 1,2] [--stored 10000000]
                                             [--without-folding] [--two-proofs]
                                             [--rounds 5] [--responses 12000]

All run on one machine with the load generator, interleaved, at 64 connections; the table shows
medians. The others are served by plain uvicorn, and the one that stores nothing also with what
`xinsheng serve` adds to it. The databases are embedded ones with PostgreSQL's default durability.
With `--stored` ours is measured a second time, on a database that holds so many responses, with
`--without-folding` once more as it would be if nothing were counted. With `--two-proofs` the same
database also gets responses that show a WeChat account beside their invitation.
"""

import argparse
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from scripts.bench import load
from scripts.bench.campaign import body
from scripts.bench.prepared import Prepared, prepared
from scripts.bench.serving import NOT_FOLDING, OURS, machine, served

CONNECTIONS = 64
_WARM_UP = 2_000
_WITHOUT_FOLDING = "ours, without folding"
_TWO_PROOFS = "ours, two proofs each"
_TEXTBOOKS_SHARE = 4
"""The textbook's handler, which is slow, gets a fourth of the requests."""


@dataclass
class Handler:
    """What is measured: where it listens, what it is sent, and its runs."""

    name: str
    port: int
    address: str = ""
    """Where tokens stand for `{}`; empty for ours."""
    database: Prepared | None = None
    runs: list[load.Measured] = field(default_factory=list)

    def requests(self, count: int) -> list[bytes]:
        """So many, each of a person of its own."""
        if self.database is not None:
            return self.database.requests(count)
        return [load.post(self.address.format(next(_numbers)), body()) for _ in range(count)]

    def run(self, count: int) -> load.Measured:
        """Send so many requests, all of which must be accepted."""
        result = load.run(self.port, self.requests(count), CONNECTIONS)
        assert result.statuses == {201: count}, (self.name, result.statuses)
        return result


_numbers = map("person-{:020}".format, range(1 << 62))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=_numbers_of, default=[1, 2])
    parser.add_argument("--stored", type=int, default=0)
    parser.add_argument("--without-folding", action="store_true")
    parser.add_argument("--two-proofs", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--responses", type=int, default=12_000)
    arguments = parser.parse_args()
    each = arguments.responses * arguments.rounds + _WARM_UP * max(arguments.workers)
    each *= 2 if arguments.two_proofs else 1
    make = partial(prepared, invitations=each * len(arguments.workers))
    with ExitStack() as stack:
        databases = {"ours": stack.enter_context(make())}
        if arguments.stored:
            name = f"ours, {arguments.stored:,} stored"
            databases[name] = stack.enter_context(make(stored=arguments.stored))
        if arguments.without_folding:
            databases[_WITHOUT_FOLDING] = stack.enter_context(make())
        for workers in arguments.workers:
            with _handlers(databases, workers) as handlers:
                if arguments.two_proofs:
                    [ours] = [one for one in handlers if one.name == "ours"]
                    two = replace(databases["ours"], with_account=True)
                    handlers.append(Handler(_TWO_PROOFS, ours.port, database=two))
                _measure(handlers, arguments.rounds, arguments.responses, workers)
            _report(handlers, workers)


def _numbers_of(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


@contextmanager
def _handlers(databases: dict[str, Prepared], workers: int) -> Iterator[list[Handler]]:
    with ExitStack() as stack:
        environment = databases["ours"].environment
        others = partial(served, "scripts.bench.baselines:create", workers, environment)
        plain = stack.enter_context(others(plainly=True))
        as_ours = stack.enter_context(others())
        handlers = [
            Handler("textbook", plain, "/textbook/{}"),
            Handler("stores nothing", plain, "/nothing/{}"),
            Handler("... served as ours", as_ours, "/nothing/{}"),
        ]
        for name, database in databases.items():
            app = NOT_FOLDING if name == _WITHOUT_FOLDING else OURS
            port = stack.enter_context(served(app, workers, database.environment))
            handlers.append(Handler(name, port, database=database))
        yield handlers


def _measure(handlers: list[Handler], rounds: int, responses: int, workers: int) -> None:
    for handler in handlers:
        handler.run(_WARM_UP * workers)
    for number in range(rounds):
        # There and back, so that none always has the same one before it.
        for handler in handlers if number % 2 else reversed(handlers):
            share = _TEXTBOOKS_SHARE if handler.name == "textbook" else 1
            handler.runs.append(handler.run(responses // share))


def _report(handlers: list[Handler], workers: int) -> None:
    [ours] = [handler for handler in handlers if handler.name == "ours"]
    print(f"{machine()}; {workers} worker(s), {CONNECTIONS} connections")
    print(f"{'':<26}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'p99/p50':>9}{'ours is':>9}")
    for one in handlers:
        rate = statistics.median(run.per_second(201) for run in one.runs)
        p50 = statistics.median(run.percentile(0.5) for run in one.runs)
        p99 = statistics.median(run.percentile(0.99) for run in one.runs)
        # Of each round, since a machine that others use too is not the same for long.
        ratio = statistics.median(
            mine.per_second(201) / its.per_second(201)
            for mine, its in zip(ours.runs, one.runs, strict=True)
        )
        print(f"{one.name:<26}{rate:>12,.0f}{p50:>9.1f}{p99:>9.1f}{p99 / p50:>9.1f}{ratio:>8.2f}x")
    print(flush=True)


if __name__ == "__main__":
    main()
