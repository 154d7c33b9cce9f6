"""A server that speaks as WeChat does, for tests and for people without an account.

What it knows of WeChat's interface: the authorise page, the exchange of codes (good once, for five
minutes), the stable token, the ticket, quotas, and each failure on demand.
"""
