"""The clocks that run from a commit: not acknowledged in 24 hours, a stream that is not well, an agreed date passed.

Only time in which the partner could have answered counts against it.
"""

from revocations.clocks.dates import mend_breaches, note_overdue
from revocations.clocks.evidence import note_evidence
from revocations.clocks.health import lying_since, watch

__all__ = ["lying_since", "mend_breaches", "note_evidence", "note_overdue", "watch"]
