"""The ledger of choices and approvals, the gate row derived from it, and what is kept outside."""

from consent.models.choices import (
    Approval,
    Ask,
    Choice,
    ChoiceOrder,
    ChoiceReceipt,
    DigestFinding,
    DigestRun,
    EndedPause,
    HeldRow,
    LineGate,
    Notice,
    Origin,
    PrivacySignal,
    ProgressLink,
    Touched,
)
from consent.models.external_archive import ArchiveHead, GateOpening, Tightening, Unarchived
from consent.models.invalidated_approvals import SetAside

__all__ = [
    "Approval",
    "ArchiveHead",
    "Ask",
    "Choice",
    "ChoiceOrder",
    "ChoiceReceipt",
    "DigestFinding",
    "DigestRun",
    "EndedPause",
    "GateOpening",
    "HeldRow",
    "LineGate",
    "Notice",
    "Origin",
    "PrivacySignal",
    "ProgressLink",
    "SetAside",
    "Tightening",
    "Touched",
    "Unarchived",
]
