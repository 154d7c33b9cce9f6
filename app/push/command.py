"""`xinsheng push FILE`: reads a file, sends it, and says what became of it.

Exit status: 0 all was taken, 1 some items were rejected, 2 it could not be finished.
"""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import msgspec

from app.push import checking, credentials, files, interviews, mapping, reconciling, state, tallies
from app.push.credentials import Credentials
from app.push.files import File
from app.push.progress import Progress
from app.push.rejections import Rejections
from app.push.server import PATIENCE_SECONDS, Server
from app.push.wording import Said, Stopped, tell

_SHOWN = 20
_WORDS = {
    "accepted": "新收",
    "replayed": "重复（已有）",
    "updated": "更正",
    "already_answered": "此人已答",
    "rejected": "被拒",
}


def add_parser(commands: Any) -> None:
    """Add it to the command line (`commands`: what `add_subparsers` returned)."""
    _arguments(
        commands.add_parser(
            "push",
            help="send a contractor's file of interviews or tallies to a server",
            description="A client of the API that needs no database: see docs/contractors.md. "
            "Credentials come from XINSHENG_CLIENT_ID and XINSHENG_CLIENT_SECRET, or from "
            f"{credentials.FILE}. " + (__doc__ or "").rpartition("\n\n")[2],
        )
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV (UTF-8 or GB18030), XLSX, NDJSON or JSON")
    parser.add_argument("--campaign", metavar="CODE", help="the campaign, or its -sandbox")
    parser.add_argument("--as", dest="kind", choices=("interviews", "tallies"), required=False)
    parser.add_argument("--server", metavar="URL", help="default $XINSHENG_SERVER")
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="mode 0600, NAME=value")
    parser.add_argument("--plain-http", action="store_true", help="allow http:// to other machines")
    parser.add_argument(
        "--mapping", metavar="FILE|CODE", help="of columns and codes; saved ones by their code"
    )
    parser.add_argument("--rejected", type=Path, help="default FILE.rejected.csv")
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help="for how long one request is tried again (default %(default).0f)",
    )
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument("--dry-run", action="store_true", help="ask the server, send nothing")
    manner.add_argument("--check", action="store_true", help="look at FILE alone, without a server")
    of_tallies = parser.add_argument_group("tallies")
    of_tallies.add_argument("--batch", metavar="CODE", help="default FILE's name")
    of_tallies.add_argument("--revision", type=int, default=1)
    of_tallies.add_argument("--channel", default="phone")
    of_tallies.add_argument("--as-of", metavar="TIME", help="default when FILE was last written")
    parser.set_defaults(run=run, data_dir=None)


def main(arguments: list[str]) -> None:
    """Run it with the arguments behind `push`."""
    parser = argparse.ArgumentParser(prog="xinsheng push", description=__doc__)
    _arguments(parser)
    run(parser.parse_args(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Run it, and end the process with its exit status."""
    try:
        if arguments.kind is None or (arguments.campaign is None and not arguments.check):
            raise Stopped(
                "请写明 --campaign 和 --as interviews 或 tallies。",
                "Say --campaign, and --as interviews or tallies.",
            )
        status = _check(arguments) if arguments.check else _push(arguments)
    except Stopped as stopped:
        tell(stopped.said.zh, stopped.said.en)
        status = 2
    except KeyboardInterrupt:
        tell(
            "\n已中断。已确认的都已保存；再次运行同一命令即从断点继续。",
            "\nStopped. What was acknowledged is stored; the same command goes on from there.",
        )
        status = 2
    sys.exit(status)


def _check(arguments: argparse.Namespace) -> int:
    file = files.opened(arguments.file)
    if arguments.kind == "tallies":
        rows = tallies.read(file).rows
        tell(f"{len(rows):,} 行，形式正确。", f"{len(rows):,} rows, well formed.")
        return 0
    said = _mapping_file(arguments.mapping)
    table = mapping.Table(file.header(), said, {}) if file.is_table else None
    items = wrong = 0
    for row, found in checking.checked(interviews.converted(file, said, table)):
        items += 1
        wrong += bool(found)
        if found and wrong <= _SHOWN:
            for one in found:
                tell(f"第 {row} 行 {one.place}：{one.zh}", f"row {row} {one.place}: {one.en}")
    tell(f"共 {items:,} 条，{wrong:,} 条有误。", f"{items:,} items, {wrong:,} of them wrong.")
    return 1 if wrong else 0


def _mapping_file(named: str | None) -> mapping.ColumnMapping:
    if named is None:
        return mapping.ColumnMapping()
    path = Path(named)
    if not path.is_file():
        raise Stopped(f"没有映射文件 {named}。", f"There is no file {named} with a mapping.")
    return mapping.decoded(path.read_bytes())


def _push(arguments: argparse.Namespace) -> int:
    who = credentials.load(arguments.server, arguments.credentials, plain_http=arguments.plain_http)
    file = files.opened(arguments.file)
    with Server(who, patience=arguments.patience) as server:
        campaign = server.get(f"/v1/campaigns/{arguments.campaign}")
        if campaign.get("sandbox"):
            tell("这是沙盒：什么也不计入。", "This is a sandbox: nothing counts.")
        if arguments.kind == "tallies":
            return _push_tallies(arguments, server, file)
        return _push_interviews(arguments, server, who, file, campaign)


def _push_tallies(arguments: argparse.Namespace, server: Server, file: File) -> int:
    batch = arguments.batch or tallies.batch_named(file.path)
    table = tallies.read(file)
    body = {
        "revision": arguments.revision,
        "channel": arguments.channel,
        "as_of": arguments.as_of or tallies.as_of_file(file.path),
        "rows": table.rows,
    }
    if arguments.dry_run:
        rows = len(body["rows"])
        tell(f"批次 {batch}：{rows:,} 行，未发送。", f"Batch {batch}: {rows:,} rows, not sent.")
        return 0
    path = f"/v1/campaigns/{arguments.campaign}/tallies/{batch}"
    reply = server.ask("PUT", path, place=table.place, json=body)
    for zh, en, figure in tallies.changes_of(reply):
        tell(f"{zh}：{figure}", f"{en}: {figure}")
    return 0


def _push_interviews(
    arguments: argparse.Namespace,
    server: Server,
    who: Credentials,
    file: File,
    campaign: dict[str, Any],
) -> int:
    said = _mapping(arguments.mapping, server)
    table = mapping.Table(file.header(), said, _kinds(server, campaign)) if file.is_table else None
    total = sum(1 for _ in file.items())
    if arguments.dry_run:
        every = interviews.parts(interviews.converted(file, said, table))
        faulty = sum(part.faulty for part in every)
        tell(
            f"{total:,} 条，其中 {faulty:,} 条无法发送；未发送。",
            f"{total:,} items, {faulty:,} of them cannot be sent; nothing was sent.",
        )
        return 1 if faulty else 0
    with state.held(_state_of(who, arguments.campaign, file, said)) as keeper:
        _begin(keeper, file)
        listed = Rejections(
            arguments.rejected or file.path.with_name(f"{file.path.name}.rejected.csv"),
            keeper.state.rejected_bytes,
        )
        if listed.length < keeper.state.rejected_bytes:
            keeper.state = state.State(round=keeper.state.round)  # the list is gone: all anew
        push = interviews.Push(
            server, who, arguments.campaign, keeper, listed, table.place if table else str
        )
        progress = Progress(total)
        try:
            push.send(interviews.parts(interviews.converted(file, said, table)), progress.add)
        finally:
            progress.end()
        own = reconciling.file_digest(interviews.converted(file, said, table), listed.rows())
        keeper.state.finished = True
        keeper.keep()
    _sum_up(keeper.state, listed)
    held = reconciling.compared(server, arguments.campaign, who.client_id, own)
    tell(held.zh, held.en)
    return 1 if keeper.state.counts.get("rejected") else 0


def _mapping(named: str | None, server: Server) -> mapping.ColumnMapping:
    if named is None or Path(named).is_file():
        return _mapping_file(named)
    return mapping.decoded(msgspec.json.encode(server.get(f"/v1/interview-mappings/{named}")))


def _kinds(server: Server, campaign: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        name: {
            question["code"]: question["type"]
            for question in server.get(
                f"/v1/questionnaires/{asked['questionnaire']}", version=str(asked["version"])
            )["questions"]
        }
        for name, asked in campaign["populations"].items()
    }


def _state_of(who: Credentials, campaign: str, file: File, said: mapping.ColumnMapping) -> Path:
    named = [who.server, who.client_id, campaign, file.digest, said]
    digest = hashlib.sha256(msgspec.json.encode(named)).hexdigest()
    return state.folder() / f"push-{digest[:32]}.json"


def _begin(keeper: state.Keeper, file: File) -> None:
    found = keeper.state
    if found.finished:
        # What was rejected is judged anew; what was taken is told to be on file.
        keeper.state = state.State(round=found.round + bool(found.counts.get("rejected")))
    elif found.parts:
        tell(
            f"从断点继续：前 {found.parts:,} 批已确认。",
            f"Going on: {found.parts:,} parts were acknowledged before.",
        )


def _sum_up(found: state.State, listed: Rejections) -> None:
    for name in state.STATUSES:
        number = found.counts.get(name, 0)
        words = Said(_WORDS[name], name.replace("_", " "))
        sys.stdout.write(f"{number:>12,}  {words}\n")
    sys.stdout.flush()
    if found.counts.get("rejected"):
        tell(f"被拒的条目及原因：{listed.path}", f"What was rejected, and why: {listed.path}")
