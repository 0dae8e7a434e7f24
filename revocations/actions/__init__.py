"""The verbs of orders: tell a partner, take its word, find it untrue."""

from revocations.actions.cohorts import (
    Fetched,
    ManifestExpired,
    NoSuchManifest,
    add_shard,
    fetch_manifest,
    publish_manifest,
)
from revocations.actions.contradictions import Use, contradict
from revocations.actions.events import queue_event
from revocations.actions.evidence import Disputed, ask_evidence
from revocations.actions.orders import EVERYTHING, Agreement, StateEntry, enqueue_order, enqueue_orders, minute, stamp
from revocations.actions.polling import poll
from revocations.actions.receipts import record_receipt
from revocations.actions.redelivery import recover_since, resend_for_case, resend_newest
from revocations.actions.reissue import reissue_orders
from revocations.actions.streams import (
    HasOne,
    NoSuchStream,
    NotAllowed,
    StreamRefused,
    TooSoon,
    Unfit,
    change_stream,
    create_stream,
    delete_stream,
    enable_stream,
    pause_stream,
    set_status,
    verify_stream,
)
from revocations.actions.suspend import lift, suspend
from revocations.actions.term_end_contradictions import contradict_ends
from revocations.actions.trials import (
    add_trial_manifest,
    add_trial_order,
    begin_trial,
    end_trial,
    take_trial_receipt,
)
from revocations.receipts import Refused

__all__ = [
    "EVERYTHING",
    "Agreement",
    "Disputed",
    "Fetched",
    "HasOne",
    "ManifestExpired",
    "NoSuchManifest",
    "NoSuchStream",
    "NotAllowed",
    "Refused",
    "StateEntry",
    "StreamRefused",
    "TooSoon",
    "Unfit",
    "Use",
    "add_shard",
    "add_trial_manifest",
    "add_trial_order",
    "ask_evidence",
    "begin_trial",
    "change_stream",
    "contradict",
    "contradict_ends",
    "create_stream",
    "delete_stream",
    "enable_stream",
    "end_trial",
    "enqueue_order",
    "enqueue_orders",
    "fetch_manifest",
    "lift",
    "minute",
    "pause_stream",
    "poll",
    "publish_manifest",
    "queue_event",
    "record_receipt",
    "recover_since",
    "reissue_orders",
    "resend_for_case",
    "resend_newest",
    "set_status",
    "stamp",
    "suspend",
    "take_trial_receipt",
    "verify_stream",
]
