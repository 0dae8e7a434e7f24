"""Tickets: people whose location was shared, and what we answer them. The hourly trial of stopping."""

from support.models.calls import LoggedCall, ProtectedLine
from support.models.canary import CanaryRun, SeedLine
from support.models.desk import Attachment, BulkReply, CannedReply, Draft, Reveal, SuspendRequest
from support.models.tickets import CODE_LETTERS, LONGEST, MAILED, Entry, Ticket

__all__ = [
    "CODE_LETTERS",
    "LONGEST",
    "MAILED",
    "Attachment",
    "BulkReply",
    "CanaryRun",
    "CannedReply",
    "Draft",
    "Entry",
    "LoggedCall",
    "ProtectedLine",
    "Reveal",
    "SeedLine",
    "SuspendRequest",
    "Ticket",
]
