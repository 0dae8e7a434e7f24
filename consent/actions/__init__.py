"""The verbs of consent: a person's choices, what carrier files bring, and what a line's own life does to them."""

from consent.actions.agents import (
    NotOpenRequest,
    answer_request,
    give_token,
    revoke_request,
    take_request,
)
from consent.actions.asks import NotOpen, say_no, say_yes, text_code
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
from consent.actions.digests import compare_buckets, take_digest
from consent.actions.late import tell_newly_affected
from consent.actions.lines import end_tenure, grow_up, number_changed, tell_who_grew_up
from consent.actions.receipts import mail_receipt, text_receipt
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.actions.signals import NotAsked, SignalTaken, follow_signal, outweigh_signal, take_signal
from consent.actions.statuses import (
    AskedTooOften,
    NotOffered,
    NotOnTheList,
    Retrieved,
    TooManyQuestions,
    retrieve_status,
)
from consent.actions.suspend import Outcome, suspend
from consent.actions.texts import take_text

__all__ = [
    "NEVER_AGREED",
    "AskedTooOften",
    "FileApproval",
    "FileChoice",
    "NotAllowable",
    "NotAsked",
    "NotOffered",
    "NotOnTheList",
    "NotOpen",
    "NotOpenRequest",
    "Outcome",
    "PauseOver",
    "Recorded",
    "Retrieved",
    "SignalTaken",
    "TooManyQuestions",
    "UnknownRef",
    "allow",
    "answer_request",
    "compare_buckets",
    "end_tenure",
    "follow_signal",
    "give_token",
    "grow_up",
    "mail_receipt",
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
    "tell_newly_affected",
    "tell_who_grew_up",
    "text_code",
    "text_receipt",
]
