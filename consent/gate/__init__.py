"""The gate: "may I?", answered from the line's gate row and the state of parties, contracts and campaigns.

One SQL statement of look-ups by primary key or unique index, no cache, no write. What was answered in the past is
`consent.permission`'s to say, from the ledger; neither knows the other.
"""

from consent.gate.agreed import as_agreed
from consent.gate.counting import DECISIONS, count
from consent.gate.deciding import NotLive, evaluate, evaluate_for, evaluate_in
from consent.gate.decision_ids import allowed_at, claimed_at, decision_id_for
from consent.gate.opening import IS_OPEN, RESTORING, Opening, opening
from consent.gate.patience import PATIENCE_S, patience
from consent.gate.pipeline import Pipeline, Pipelines
from consent.gate.shapes import USE_WITHIN_S, Answer, Question

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
    "claimed_at",
    "count",
    "decision_id_for",
    "evaluate",
    "evaluate_for",
    "evaluate_in",
    "opening",
    "patience",
]
