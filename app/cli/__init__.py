"""The `xinsheng` command: everything an operator does besides calling the API, and `push`.

What it can do stands in `commands`. Contractors' machines push all day: for them nothing of the
server is loaded, which alone takes a second.
"""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["push"]:
        from app.push.command import main as push

        push(sys.argv[2:])
        return
    from app.cli.commands import main as run

    run()
