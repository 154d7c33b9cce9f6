"""Runs the stand-in by itself, until it is stopped: scripts/wechat-stand-in."""

import argparse
import os
import threading
import time

import uvicorn

from tests.identity.wechat.stand_in.server import APP_ID, APP_SECRET, StandIn

_LOOKS_EVERY = 0.5


def main() -> None:
    """Serve on this machine alone."""
    parser = argparse.ArgumentParser(prog="scripts/wechat-stand-in", description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument(
        "--ends-with", type=int, metavar="PROCESS", help="end as soon as its parent is another one"
    )
    arguments = parser.parse_args()
    url = f"http://127.0.0.1:{arguments.port}"
    config = uvicorn.Config(
        StandIn(url).app(), host="127.0.0.1", port=arguments.port, log_level="warning"
    )
    server = uvicorn.Server(config)
    if arguments.ends_with is None:
        _say(url)
    else:
        threading.Thread(target=_follow, args=(server, arguments.ends_with), daemon=True).start()
    server.run()


def _say(url: str) -> None:
    print(  # noqa: T201
        f"A stand-in for WeChat at {url}. To use it, start the server with\n"
        f"  XINSHENG_WECHAT_APP_ID={APP_ID}\n"
        f"  XINSHENG_WECHAT_APP_SECRET={APP_SECRET}\n"
        f"  XINSHENG_WECHAT_API_BASE={url}\n"
        f"  XINSHENG_WECHAT_AUTHORIZE_BASE={url}\n"
        "and open a survey's link with ?wechat=yes behind it.",
        flush=True,
    )


def _follow(server: uvicorn.Server, parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY)
    server.should_exit = True


if __name__ == "__main__":
    main()
