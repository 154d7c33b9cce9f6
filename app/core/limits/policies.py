"""How often what may be asked: the limits' names and numbers.

A school of three thousand sits behind one address, so a network's limit is the last and the
loosest, and what is stored counts against no network and no person.
"""

PER_MINUTE = {
    "client": 30_000,
    "link": 600_000,
    "proof": 600,
    "guesses": 6_000,
    "codes": 120,
    "credentials": 60,
    "network": 120_000,
}
"""Requests a minute, unless `XINSHENG_LIMITS` says otherwise.

client: by one client of the API. link: responses through one link. proof: tries of one person
that are not stored, since they were stored before or are refused. guesses: addresses of links
and invitations that there are not, from one network. codes: those of WeChat's that it does not
accept, from one network, since its quota is everybody's. credentials: refused token requests from
one network. network: everything else that needs no token, from one network.
"""

UNLIMITED = ("/healthz", "/readyz", "/metrics")
"""Asked by whatever watches over the service, as often as it likes."""
