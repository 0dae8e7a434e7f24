"""Choices, and what else tightens, kept outside the database as well, so that a restore can take no stop back.

The archive is a chain of signed lines by day (`entries`) in a folder or another store (`sink`). What waits for it are
rows (`writing`). After each start of the database's server the two are compared (`looking`), and until then the gate
says no.
"""

from consent.archiving.comparison import NotThere, behind, close, look, look_soon
from consent.archiving.entries import ArchivedChoice, ArchivedEnd, ArchivedSuspension, ArchivedTightening, Entry, digest
from consent.archiving.gap_check import find_missing
from consent.archiving.reading import Fault, Reading, after_head, is_suspended, lines_of, lost
from consent.archiving.sink import sink
from consent.archiving.writing import TURN, append, begin_anew, write

__all__ = [
    "TURN",
    "ArchivedChoice",
    "ArchivedEnd",
    "ArchivedSuspension",
    "ArchivedTightening",
    "Entry",
    "Fault",
    "NotThere",
    "Reading",
    "after_head",
    "append",
    "begin_anew",
    "behind",
    "close",
    "digest",
    "find_missing",
    "is_suspended",
    "lines_of",
    "look",
    "look_soon",
    "lost",
    "sink",
    "write",
]
