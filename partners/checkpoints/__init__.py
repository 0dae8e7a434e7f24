"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them.

They lie in a folder or another store (`places`), each by itself under the moment of its signing, and each names the one
before it (`writing`). Between two of them interim checkpoints sign whatever happened, within seconds. What they say is
held against the database and against each other (`reading`).
"""

from partners.checkpoints.places import FolderPlace, Place, place
from partners.checkpoints.reading import Line, Signed, ahead, fitting, gap, line, newest, read_newest_checkpoint
from partners.checkpoints.writing import SIGNED, WRITTEN, Behind, age_s, sign_acts, write

__all__ = [
    "SIGNED",
    "WRITTEN",
    "Behind",
    "FolderPlace",
    "Line",
    "Place",
    "Signed",
    "age_s",
    "ahead",
    "fitting",
    "gap",
    "line",
    "newest",
    "place",
    "read_newest_checkpoint",
    "sign_acts",
    "write",
]
