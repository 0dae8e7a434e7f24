"""What the orders' own rows say: of a partner's word, and of the dates it let pass."""

from revocations.queries.coverage import Company, Coverage, coverage_of, uncovered
from revocations.queries.overdue import Late, breaches, late_by_party, lateness
from revocations.queries.trials import fetched_parts, is_downstream_refused, trial_receipts

__all__ = [
    "Company",
    "Coverage",
    "Late",
    "breaches",
    "coverage_of",
    "fetched_parts",
    "is_downstream_refused",
    "late_by_party",
    "lateness",
    "trial_receipts",
    "uncovered",
]
