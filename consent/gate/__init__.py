"""The gate: "may I?", answered from the line's gate row and the state of parties, contracts and campaigns.

One SQL statement of look-ups by primary key or unique index, no cache, no write. What was answered in the past is
`consent.permission`'s to say, from the ledger; neither knows the other.
"""

from consent.gate.agreed import as_agreed
from consent.gate.answer_counts import DECISIONS, count
from consent.gate.deciding import NotLive, evaluate, evaluate_for, evaluate_in
from consent.gate.decision_ids import allowed_at, decision_id_for, get_claimed_time
from consent.gate.pipeline import Pipeline, Pipelines
from consent.gate.readiness import IS_OPEN, RESTORING, Opening, opening
from consent.gate.shapes import USE_WITHIN_S, Answer, Question
from consent.gate.timeouts import PATIENCE_S, statement_timeout

__all__ = [
    "DECISIONS",
    "IS_OPEN",
    "PATIENCE_S",
    "RESTORING",
    "USE_WITHIN_S",
    "Answer",
    "NotLive",
    "Opening",
    "Pipeline",
    "Pipelines",
    "Question",
    "allowed_at",
    "as_agreed",
    "count",
    "decision_id_for",
    "evaluate",
    "evaluate_for",
    "evaluate_in",
    "get_claimed_time",
    "opening",
    "statement_timeout",
]
