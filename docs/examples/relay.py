"""A dashboard's own server: it holds the secret, and visitors get the page and the figures alone.

Start it with `python3 relay.py 8080` and open http://127.0.0.1:8080/
"""

import json
import os
import sys
import threading
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from results_client import Refused, Results

CAMPAIGN = os.environ["CAMPAIGN"]
PAGE = Path(__file__).with_name("ranking.html").read_bytes()
EVERY_SECONDS = 1
"""However many visitors there are, the service is asked no more often."""

results = Results(tries=2)
lock = threading.Lock()
shown: dict[str, Any] = {}
asked = 0.0


def figures() -> dict[str, Any]:
    """What the page draws. While the service is away: the former figures, marked as stale."""
    global shown, asked
    with lock:
        if time.monotonic() - asked > EVERY_SECONDS or not shown:
            try:
                found = results.together(
                    CAMPAIGN, results="by=population", ranking="level=school&population=parent"
                )
                shown = {**found, "stale": False}
            except Refused:
                if not shown:
                    raise
                shown = {**shown, "stale": True}
            asked = time.monotonic()
        return shown


class Relay(BaseHTTPRequestHandler):
    """Three addresses and no others: whatever else a visitor asks never reaches the service."""

    def do_GET(self) -> None:
        """Answer a visitor."""
        if self.path == "/":
            self.send(200, "text/html; charset=utf-8", PAGE)
        elif self.path == "/figures.json":
            try:
                self.send(200, "application/json", json.dumps(figures()).encode())
            except Refused as error:
                self.send(503, "application/json", json.dumps({"title": str(error)}).encode())
        elif self.path == "/events":
            self.pass_events()
        else:
            self.send(404, "text/plain", b"")

    def pass_events(self) -> None:
        """The service's stream, handed on line by line until either side ends it."""
        address = f"{results.server}/v1/campaigns/{CAMPAIGN}/stream"
        last = {"Last-Event-ID": self.headers.get("Last-Event-ID", "")}
        try:
            request = Request(address, headers={**results.bearer(), **last})
            with urlopen(request, timeout=60) as stream:
                self.send(200, "text/event-stream", b"")
                for line in stream:
                    self.wfile.write(line)
        except (OSError, HTTPException):
            return  # without a reply the browser asks again; after a bad one it would not

    def send(self, status: int, kind: str, body: bytes) -> None:
        """A reply that no cache keeps; its end is the connection's."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Relay)
    server.daemon_threads = True
    server.serve_forever()
