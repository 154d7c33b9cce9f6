"""A campaign's results as a page: a client of the public API like any other, in files.

Nothing here knows what the server holds. The page's scripts buy a token and read `/v1` with it,
as the dashboard of a bureau does, and see what that client may see.
"""
