"""A company's questions: whether a line may be asked at all, what stands behind a link, and how a number stands."""

from consent.consent_requests.links import (
    LASTS,
    AnsweredRequest,
    Question,
    behind,
    get_answer,
    may_be_answered,
    token_of,
)
from consent.consent_requests.rules import AT_MOST, MONTH, QUIET, Case, askable, open_campaigns
from consent.consent_requests.statuses import Status, statuses, subject_of, together
from consent.consent_requests.throttle import seconds_to_wait

__all__ = [
    "AT_MOST",
    "LASTS",
    "MONTH",
    "QUIET",
    "AnsweredRequest",
    "Case",
    "Question",
    "Status",
    "askable",
    "behind",
    "get_answer",
    "may_be_answered",
    "open_campaigns",
    "seconds_to_wait",
    "statuses",
    "subject_of",
    "together",
    "token_of",
]
