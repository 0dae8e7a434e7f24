"""The verbs of consent: a person's choices, what carrier files bring, and what a line's own life does to them."""

from consent.actions.agents import (
    NotOpenRequest,
    answer_request,
    give_token,
    revoke_request,
    take_request,
)
from consent.actions.choices import (
    NEVER_AGREED,
    NotAllowable,
    PauseOver,
    Recorded,
    UnknownRef,
    allow,
    pause,
    refuse,
    stop,
)
from consent.actions.consent_requests import NotOpen, say_no, say_yes, text_code
from consent.actions.digests import compare_buckets, take_digest
from consent.actions.late_releases import enqueue_orders_for_newly_affected
from consent.actions.lines import end_tenure, grow_up, notify_new_adult, number_changed
from consent.actions.receipts import mail_receipt, text_receipt
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.actions.signals import NoOpenSignal, SignalTaken, follow_signal, outweigh_signal, take_signal
from consent.actions.statuses import (
    NotOffered,
    NotOnTheList,
    Retrieved,
    StatusRateLimited,
    TooManyQuestions,
    retrieve_status,
)
from consent.actions.suspend import Outcome, suspend
from consent.actions.texts import take_text

__all__ = [
    "NEVER_AGREED",
    "FileApproval",
    "FileChoice",
    "NoOpenSignal",
    "NotAllowable",
    "NotOffered",
    "NotOnTheList",
    "NotOpen",
    "NotOpenRequest",
    "Outcome",
    "PauseOver",
    "Recorded",
    "Retrieved",
    "SignalTaken",
    "StatusRateLimited",
    "TooManyQuestions",
    "UnknownRef",
    "allow",
    "answer_request",
    "compare_buckets",
    "end_tenure",
    "enqueue_orders_for_newly_affected",
    "follow_signal",
    "give_token",
    "grow_up",
    "mail_receipt",
    "notify_new_adult",
    "number_changed",
    "outweigh_signal",
    "pause",
    "record_file_approvals",
    "record_file_choices",
    "refuse",
    "retrieve_status",
    "revoke_request",
    "say_no",
    "say_yes",
    "stop",
    "suspend",
    "take_digest",
    "take_request",
    "take_signal",
    "take_text",
    "text_code",
    "text_receipt",
]
