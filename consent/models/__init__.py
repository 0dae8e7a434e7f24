"""The ledger of choices and approvals, the gate row derived from it, and what is kept outside."""

from consent.models.choices import (
    Approval,
    AwaitedOutcome,
    Choice,
    ChoiceOrder,
    ChoiceReceipt,
    ConsentRequest,
    EndedPause,
    HeldRow,
    InvalidatedApproval,
    LineGate,
    Notice,
    Origin,
    PrivacySignal,
    ProgressLink,
    RejudgeRequest,
)
from consent.models.digests import DigestFinding, DigestRun
from consent.models.external_archive import ArchiveHead, ArchiveQueueEntry, GateOpening, Tightening

__all__ = [
    "Approval",
    "ArchiveHead",
    "ArchiveQueueEntry",
    "AwaitedOutcome",
    "Choice",
    "ChoiceOrder",
    "ChoiceReceipt",
    "ConsentRequest",
    "DigestFinding",
    "DigestRun",
    "EndedPause",
    "GateOpening",
    "HeldRow",
    "InvalidatedApproval",
    "LineGate",
    "Notice",
    "Origin",
    "PrivacySignal",
    "ProgressLink",
    "RejudgeRequest",
    "Tightening",
]
