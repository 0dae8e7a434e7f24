"""Reads of the ledger for pages: choices made, and how far each one has come at each partner."""

from consent.queries.choices import ChoicePage, ChoiceRow, about, choice_of, choices_page
from consent.queries.digests import digest_runs
from consent.queries.evidence import EvidenceView, evidence_of
from consent.queries.minor_approvals import left_from_childhood
from consent.queries.notice import notice_of
from consent.queries.progress import (
    Asks,
    OrderState,
    Progress,
    Step,
    newest_order_states,
    progress_of,
    standing_progress,
)
from consent.queries.receipts import PartnerReceipt, PartnerStanding, ReceiptView, receipt_of
from consent.queries.signals import SignalView, signal_of, stops_by_signal
from consent.queries.superseding_choices import changed_at

__all__ = [
    "Asks",
    "ChoicePage",
    "ChoiceRow",
    "EvidenceView",
    "OrderState",
    "PartnerReceipt",
    "PartnerStanding",
    "Progress",
    "ReceiptView",
    "SignalView",
    "Step",
    "about",
    "changed_at",
    "choice_of",
    "choices_page",
    "digest_runs",
    "evidence_of",
    "left_from_childhood",
    "newest_order_states",
    "notice_of",
    "progress_of",
    "receipt_of",
    "signal_of",
    "standing_progress",
    "stops_by_signal",
]
