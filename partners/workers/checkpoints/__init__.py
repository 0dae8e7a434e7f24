"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them.

They lie in a folder or another store (`places`), each by itself under the moment of its signing, and each names the one
before it (`writing`). Between two of them interim checkpoints sign whatever happened, within seconds. What they say is
held against the database and against each other (`reading`).
"""
