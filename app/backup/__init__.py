"""Backups: the whole database in one encrypted file, campaigns' keys in another, and back again.

Taken of one instant beside a running server, and read by any later version of the program: a
backup is restored under the migrations that it was taken under, then migrated on.
"""
