"""What the orders' own rows say: of a partner's word, and of the dates it let pass."""

from revocations.queries.coverage import uncovered
from revocations.queries.lateness import Late, breaches, late_by_party, lateness
from revocations.queries.trials import fetched_parts, trial_receipts, was_refused_below

__all__ = [
    "Late",
    "breaches",
    "fetched_parts",
    "late_by_party",
    "lateness",
    "trial_receipts",
    "uncovered",
    "was_refused_below",
]
