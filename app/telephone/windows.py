"""When a campaign takes deliveries."""

from datetime import timedelta

from app.campaigns.tables import Campaign
from app.core import clock
from app.responses.directory import Rules
from app.responses.problems import Closed, NotOpenYet


def require_taking(rules: Rules | Campaign) -> None:
    """Errors: NotOpenYet, Closed, where the campaign takes no deliveries now."""
    now = clock.now()
    if rules.state == "archived":
        raise Closed("The campaign takes no more deliveries.")
    if rules.state == "draft" or now < rules.opens_at:
        raise NotOpenYet()
    if now >= rules.closes_at + timedelta(days=rules.delivery_days):
        raise Closed("The days for delivery after the campaign's closing are over.")
