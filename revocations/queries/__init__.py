"""What the orders' own rows say: of a partner's word, and of the dates it let pass."""

from revocations.queries.coverage import Company, Coverage, coverage_of, uncovered
from revocations.queries.lateness import Late, breaches, late_by_party, lateness
from revocations.queries.trials import fetched_parts, trial_receipts, was_refused_below

__all__ = [
    "Company",
    "Coverage",
    "Late",
    "breaches",
    "coverage_of",
    "fetched_parts",
    "late_by_party",
    "lateness",
    "trial_receipts",
    "uncovered",
    "was_refused_below",
]
