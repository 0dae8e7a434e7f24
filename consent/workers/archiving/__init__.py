"""Choices, and what else tightens, kept outside the database as well, so that a restore can take no stop back.

The archive is a chain of signed lines by day (`entries`) in a folder or another store (`clients.archive_sink`). What
waits for it are rows (`writing`). After each start of the database's server the two are compared (`comparison`), and
until then the gate says no.
"""
