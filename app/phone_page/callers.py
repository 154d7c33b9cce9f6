"""Who is at the door of a page, as far as it is known: what the browser shows and asks for."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request

from app.core import clock
from app.core.settings import Settings
from app.identity import accounts, devices
from app.identity.wechat.service import WeChat
from app.phone_page import languages
from app.phone_page.assets import NAMES
from app.phone_page.forms import Form
from app.phone_page.pages import Share, Visit
from app.responses import service
from app.responses.service import Door, FindDoor, Reception, Shown

_WECHAT_BROWSER = "micromessenger"
ASKED = "wechat"
"""The parameter that says how a person means to go on: one of the following."""
AGAIN, WITHOUT, WITH = "again", "no", "yes"
_CHILD = "child"
LARGE = "large"
LARGE_COOKIE = "xinsheng_large"
SIZES = ("yes", "no")
"""Large print or not, as address and cookie have it."""


@dataclass
class Caller:
    """Who is at the door: failures are told with what there is."""

    request: Request
    path: str
    """The page's, such as /s/abcd1234, without the path that the service lives under."""
    find_door: FindDoor
    link: str | None = None
    """The link's code; None for an invitation."""
    door: Door | None = None
    form: Form | None = None
    child_asked: str | None = None
    """Which child the person would answer for, as it came."""
    language_asked: str | None = None
    large_asked: str | None = None
    """Whether the person would read large print: one of `SIZES`, where the address says so."""
    returning: bool = False
    """Whether the person comes from WeChat, so that the address is not the page's own."""

    @property
    def reception(self) -> Reception:
        """What receiving responses takes."""
        reception: Reception = self.request.app.state.reception
        return reception

    @property
    def settings(self) -> Settings:
        """The deployment's settings."""
        settings: Settings = self.request.app.state.settings
        return settings

    @property
    def https(self) -> bool:
        """Whether people come by https, so that cookies need not travel otherwise."""
        return self.settings.public_url.startswith("https:")

    @property
    def root(self) -> str:
        """The path that the service lives under, without a slash at its end."""
        return urlsplit(self.settings.public_url).path

    @property
    def cookie(self) -> str | None:
        """The device proof in the browser's cookie, where it is one of ours."""
        proof = self.request.cookies.get(devices.COOKIE)
        return proof if devices.device_of(self.reception.keyring, proof) else None

    @property
    def device_proof(self) -> str | None:
        """What shows the device: its cookie, else what the form carried."""
        return self.cookie or (self.form.one("device_proof") if self.form else None)

    @property
    def account(self) -> str | None:
        """The account proofs in the browser's cookie, not verified yet."""
        return self.request.cookies.get(accounts.COOKIE)

    @property
    def child(self) -> int | None:
        """Which of the person's children it is about; None for the first, or where this makes
        no sense: an invitation admits one answer."""
        asked = self.form.one(_CHILD) if self.form else self.child_asked
        if asked is None or self.door is None or self.door.invitation is not None:
            return None
        most = self.door.entrance.population.max_children
        numbers = {str(number): number for number in range(2, most + 1)}
        return numbers.get(asked)

    @property
    def next_child(self) -> int | None:
        """The next child that the person may answer for, where there is one."""
        if self.door is None or self.door.invitation is not None:
            return None
        following = (self.child or 1) + 1
        return following if following <= self.door.entrance.population.max_children else None

    @property
    def large(self) -> bool:
        """Whether the person reads large print, as the address or else the phone has it."""
        return (self.large_asked or self.request.cookies.get(LARGE_COOKIE)) == SIZES[0]

    def shown(self, device: str | None) -> Shown:
        """What this browser shows of its person, with this device proof."""
        return Shown(device=device, account=self.account, child=self.child)

    @property
    def asked(self) -> str | None:
        """How the person means to go on, where the address says so."""
        return None if self.returning else self.request.query_params.get(ASKED)

    @property
    def wechat(self) -> WeChat | None:
        """WeChat, where people can be recognised by it at this door."""
        wechat: WeChat | None = self.request.app.state.wechat
        door = self.door
        if wechat is None or door is None or not door.entrance.admits("wechat"):
            return None
        invited_in_vain = door.invitation is not None and not door.entrance.admits("invitation")
        return None if invited_in_vain else wechat

    @property
    def in_wechat(self) -> bool:
        """Whether this is WeChat's own browser, or is to be taken for it."""
        agent = self.request.headers.get("User-Agent", "").lower()
        return self.returning or _WECHAT_BROWSER in agent or self.asked in (AGAIN, WITH)

    @property
    def recognised(self) -> bool:
        """Whether WeChat has said who this is, to this campaign and not long ago."""
        if self.door is None:
            return False
        keyring, campaign_id = self.reception.keyring, self.door.entrance.rules.id
        return bool(accounts.accounts_of(keyring, self.account, campaign_id, clock.now()))

    @property
    def may_go_without(self) -> bool:
        """Whether the person can answer without WeChat too."""
        return self.door is not None and (
            self.door.invitation is not None or self.door.entrance.admits("device")
        )

    def address(self, **changes: str | int | None) -> str:
        """The page's address, with what is to be kept of its parameters.

        On the page itself without the path, which need not be one that there is.
        """
        kept: dict[str, str | int | None] = {
            "lang": self.language_asked,
            LARGE: self.large_asked,
            _CHILD: self.child,
            ASKED: self.asked if self.asked == WITHOUT else None,
            **changes,
        }
        query = urlencode({name: value for name, value in kept.items() if value is not None})
        if not query:
            return self.root + self.path
        return f"{self.root}{self.path}?{query}" if self.returning else f"?{query}"

    @property
    def visit(self) -> Visit:
        """What every page needs to know."""
        entrance = self.door.entrance if self.door else None
        language = languages.choose(
            entrance.population.questionnaire.definition if entrance else None,
            asked=self.language_asked or (self.form.one("locale") if self.form else None),
            accepted=self.request.headers.get("Accept-Language", ""),
        )
        others = [] if self.returning else language.others
        switch = [(one, name, self.address(lang=one)) for one, name in others]
        return Visit(
            language,
            self.root,
            entrance,
            switch,
            self.child,
            self.share,
            self.large,
            None if self.returning else self.address(**{LARGE: SIZES[self.large]}),
            f"{self.settings.public_url}/static/{NAMES['card.png']}",
        )

    @property
    def share(self) -> Share | None:
        """What sets the share card, in WeChat's own browser; invitations are one person's."""
        if self.link is None or self.returning or self.wechat is None:
            return None
        if _WECHAT_BROWSER not in self.request.headers.get("User-Agent", "").lower():
            return None
        return Share(f"{self.settings.public_url}{self.path}", f"{self.root}/v1/wechat/signature")


def by_path(request: Request, path: str) -> Caller:
    """Whoever is at the door of this path, such as /s/abcd1234 or /i/ and a token."""
    reception: Reception = request.app.state.reception
    kind, _, name = path[1:].partition("/")
    if kind == "s":
        return Caller(
            request, path, lambda fresh: service.by_link(reception, name, fresh=fresh), name
        )
    return Caller(request, path, lambda fresh: service.by_invitation(reception, name, fresh=fresh))
