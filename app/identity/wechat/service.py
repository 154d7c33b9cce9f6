"""WeChat as one process uses it: opened when the app starts, if there is an account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from app.core.database import Pool
from app.core.keyring import Keyring
from app.core.settings import WeChatAccount
from app.identity.wechat.client import Client
from app.identity.wechat.exchanges import Exchanges
from app.identity.wechat.passes import Passes


class WeChat:
    """What recognising people by WeChat takes."""

    def __init__(
        self, account: WeChatAccount, client: Client, keyring: Keyring, pool: Pool
    ) -> None:
        self.account = account
        self.client = client
        self.exchanges = Exchanges(account, client, keyring, pool)
        self.passes = Passes(account, client, keyring, pool)

    def authorize_url(self, callback: str, state: str) -> str:
        """Where WeChat recognises somebody in silence, and sends them to `callback` from."""
        query = urlencode(
            {
                "appid": self.account.app_id,
                "redirect_uri": callback,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            }
        )
        return f"{self.account.authorize_base}/connect/oauth2/authorize?{query}#wechat_redirect"


@asynccontextmanager
async def recognising(
    account: WeChatAccount | None, keyring: Keyring, pool: Pool
) -> AsyncIterator[WeChat | None]:
    """Recognise people by WeChat while the context lasts; None where no account is set."""
    if account is None:
        yield None
        return
    client = Client(account)
    try:
        yield WeChat(account, client, keyring, pool)
    finally:
        await client.close()
