"""Reads a campaign's results for a dashboard. It needs the standard library alone.

Credentials come from the environment: XINSHENG_SERVER, XINSHENG_CLIENT_ID, XINSHENG_CLIENT_SECRET.
"""

import base64
import json
import os
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode
from urllib.request import Request, urlopen

BUSY = (408, 429, 500, 502, 503, 504)
MOST_KEPT = 500
"""Replies that are remembered, each under its address."""
Figures = dict[str, Any]


class Refused(Exception):
    """What the service refused, as its problem document says. `status` is 0 where it is away."""

    def __init__(self, status: int, problem: Figures) -> None:
        errors = [f"{one['pointer']}: {one['message']}" for one in problem.get("errors", [])]
        told = [problem.get("title", ""), *(errors or [problem.get("detail", "")])]
        super().__init__(". ".join(told))
        self.status = status
        self.type = problem.get("type", "")
        self.request_id = problem.get("request_id", "")


class Results:
    """The API as one client sees it. What has not changed is not sent again.

    `tries`: how often a request is made while the service is busy or away.
    """

    def __init__(self, tries: int = 5) -> None:
        self.server = os.environ["XINSHENG_SERVER"].rstrip("/")
        pair = f"{os.environ['XINSHENG_CLIENT_ID']}:{os.environ['XINSHENG_CLIENT_SECRET']}"
        self._pair = base64.b64encode(pair.encode()).decode()
        self._tries = tries
        self._token, self._ends = "", 0.0
        self._kept: dict[str, tuple[str, Figures]] = {}

    def bearer(self) -> dict[str, str]:
        """The header of a request; a token is renewed a minute before it ends."""
        if time.monotonic() > self._ends - 60:
            form = b"grant_type=client_credentials"
            headers = {"Authorization": f"Basic {self._pair}"}
            with urlopen(Request(self.server + "/oauth/token", form, headers), timeout=30) as reply:
                token = json.load(reply)
            self._token = token["access_token"]
            self._ends = time.monotonic() + token["expires_in"]
        return {"Authorization": f"Bearer {self._token}"}

    def get(self, path: str, **query: str) -> Figures:
        """The reply at an address such as `/v1/campaigns/C/results`. Errors: Refused."""
        address = f"{path}?{urlencode(query)}"
        for left in range(self._tries - 1, -1, -1):
            wait = 2.0 ** (self._tries - left - 1)
            try:
                return self._get(address)
            except HTTPError as error:
                if error.code == 401 and self._ends:  # the token was ended early
                    self._ends = wait = 0.0
                elif error.code not in BUSY:
                    raise Refused(error.code, _problem(error)) from None
                refused = Refused(error.code, _problem(error))
                wait = float(error.headers.get("Retry-After") or wait)
            except (OSError, HTTPException) as error:
                refused = Refused(0, {"title": "The service is away", "detail": str(error)})
            if left:
                time.sleep(wait)
        raise refused

    def _get(self, address: str) -> Figures:
        etag, kept = self._kept.get(address, ("", {}))
        request = Request(self.server + address, headers={**self.bearer(), "If-None-Match": etag})
        try:
            with urlopen(request, timeout=60) as reply:
                figures: Figures = json.load(reply)
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[address] = reply.headers["ETag"] or "", figures
                return figures
        except HTTPError as error:
            if error.code != 304:
                raise
            # The same figures, as of a later moment.
            return {**kept, "as_of": error.headers["Xinsheng-As-Of"]}

    def together(self, campaign: str, **wanted: str) -> dict[str, Figures]:
        """Several replies of one release: `together("C", results="by=question", ranking="")`.

        Those who read live figures (`exact`) get them a moment apart. Errors: Refused.
        """
        found: dict[str, Figures] = {}
        release: dict[str, str] = {}
        for name, query in wanted.items():
            path = f"/v1/campaigns/{campaign}/{name}"
            found[name] = self.get(path, **dict(parse_qsl(query)), **release)
            if "release" in found[name]:  # a newer one may come before the next reply
                release = {"release": str(found[name]["release"])}
        return found


def _problem(error: HTTPError) -> Figures:
    try:
        problem: Figures = json.load(error)
        return problem
    except ValueError:  # a proxy's page
        return {"title": f"{error.code} {error.reason}"}
