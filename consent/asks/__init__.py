"""A company's questions: whether a line may be asked at all, what stands behind a link, and how a number stands."""

from consent.asks.links import LASTS, Given, Question, answer_given, behind, may_be_answered, token_of
from consent.asks.rules import AT_MOST, MONTH, QUIET, Case, askable, open_campaigns
from consent.asks.statuses import Status, statuses, subject_of, together
from consent.asks.throttle import seconds_to_wait

__all__ = [
    "AT_MOST",
    "LASTS",
    "MONTH",
    "QUIET",
    "Case",
    "Given",
    "Question",
    "Status",
    "answer_given",
    "askable",
    "behind",
    "may_be_answered",
    "open_campaigns",
    "seconds_to_wait",
    "statuses",
    "subject_of",
    "together",
    "token_of",
]
