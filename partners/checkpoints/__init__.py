"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them.

They lie in a folder or another store (`places`), each by itself under the moment of its signing, and each names the one
before it (`writing`). What they say is held against the database and against each other (`reading`).
"""

from partners.checkpoints.places import FolderPlace, Place, place
from partners.checkpoints.reading import Line, Signed, ahead, claimed, fitting, gap, line, newest
from partners.checkpoints.writing import WRITTEN, Behind, age_s, write

__all__ = [
    "WRITTEN",
    "Behind",
    "FolderPlace",
    "Line",
    "Place",
    "Signed",
    "age_s",
    "ahead",
    "claimed",
    "fitting",
    "gap",
    "line",
    "newest",
    "place",
    "write",
]
