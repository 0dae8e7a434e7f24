"""Orders to partners, how they travel, and what partners signed."""

from revocations.models.cohorts import BY_TERM, Breach, Cohort, CohortReceipt, ManifestShard
from revocations.models.evidence import EvidenceRequest
from revocations.models.orders import (
    TO_PUSH,
    UNFINISHED,
    Attempt,
    DownstreamReport,
    Duty,
    Order,
    Receipt,
    ResponsibleParty,
    Standing,
    State,
)
from revocations.models.streams import Breaker, Pulse, PushTally, Stream, StreamAttempt, StreamEvent, StreamHealth
from revocations.models.trials import Trial, TrialOrder, TrialReceipt, TrialShard

__all__ = [
    "BY_TERM",
    "TO_PUSH",
    "UNFINISHED",
    "Attempt",
    "Breach",
    "Breaker",
    "Cohort",
    "CohortReceipt",
    "DownstreamReport",
    "Duty",
    "EvidenceRequest",
    "ManifestShard",
    "Order",
    "Pulse",
    "PushTally",
    "Receipt",
    "ResponsibleParty",
    "Standing",
    "State",
    "Stream",
    "StreamAttempt",
    "StreamEvent",
    "StreamHealth",
    "Trial",
    "TrialOrder",
    "TrialReceipt",
    "TrialShard",
]
