"""Tickets: people whose location was shared, and what we answer them. The hourly trial of stopping."""

from support.models.canary import CanaryRun, CarrierTestLine
from support.models.desk import Attachment, BulkReply, Draft, Reveal, SavedReply, SuspendRequest
from support.models.documents import Document
from support.models.notifications import NotificationChannel
from support.models.saved_views import SavedView
from support.models.tickets import CODE_LETTERS, LONGEST, MAILED, Entry, LoggedCall, ProtectedLine, Ticket

__all__ = [
    "CODE_LETTERS",
    "LONGEST",
    "MAILED",
    "Attachment",
    "BulkReply",
    "CanaryRun",
    "CarrierTestLine",
    "Document",
    "Draft",
    "Entry",
    "LoggedCall",
    "NotificationChannel",
    "ProtectedLine",
    "Reveal",
    "SavedReply",
    "SavedView",
    "SuspendRequest",
    "Ticket",
]
