"""Tickets: people whose location was shared, and what we answer them."""

from support.models.calls import LoggedCall, ProtectedLine
from support.models.desk import Attachment, BulkReply, CannedReply, Draft, Reveal, SuspendRequest
from support.models.tickets import LONGEST, Entry, Ticket

__all__ = [
    "LONGEST",
    "Attachment",
    "BulkReply",
    "CannedReply",
    "Draft",
    "Entry",
    "LoggedCall",
    "ProtectedLine",
    "Reveal",
    "SuspendRequest",
    "Ticket",
]
