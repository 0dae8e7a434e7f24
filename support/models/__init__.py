"""Tickets: people whose location was shared, and what we answer them."""

from support.models.calls import LoggedCall
from support.models.desk import Attachment, BulkReply, CannedReply, Draft, Reveal, SuspendRequest
from support.models.tickets import CODE_LETTERS, LONGEST, Entry, Ticket

__all__ = [
    "CODE_LETTERS",
    "LONGEST",
    "Attachment",
    "BulkReply",
    "CannedReply",
    "Draft",
    "Entry",
    "LoggedCall",
    "Reveal",
    "SuspendRequest",
    "Ticket",
]
