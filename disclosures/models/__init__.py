"""What left the carrier, when, to whom, whether it was allowed, and what its own log shows. No coordinates, ever."""

from disclosures.models.anomalies import Anomaly, AnomalyRule, AnomalyWatch
from disclosures.models.archives import Archive, ArchivePart
from disclosures.models.figures import PublishedFigure
from disclosures.models.releases import (
    NOT_YET,
    Basis,
    ChangedDay,
    ConcealedDisclosure,
    DailyRollup,
    DelayedNotice,
    Disclosure,
    DisclosureRegister,
    DroppedMonth,
    GrowingLine,
    HeldDisclosure,
    HeldNotice,
    ImportedChunk,
    Judgement,
    JudgementChange,
    LongLine,
    Outcome,
    RolledFacts,
)

__all__ = [
    "NOT_YET",
    "Anomaly",
    "AnomalyRule",
    "AnomalyWatch",
    "Archive",
    "ArchivePart",
    "Basis",
    "ChangedDay",
    "ConcealedDisclosure",
    "DailyRollup",
    "DelayedNotice",
    "Disclosure",
    "DisclosureRegister",
    "DroppedMonth",
    "GrowingLine",
    "HeldDisclosure",
    "HeldNotice",
    "ImportedChunk",
    "Judgement",
    "JudgementChange",
    "LongLine",
    "Outcome",
    "PublishedFigure",
    "RolledFacts",
]
