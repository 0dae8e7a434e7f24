"""The words of an order's life: where it is, and whose move it is."""

from django.db import models


class State(models.TextChoices):
    QUEUED = "queued", "Waiting to be sent"
    SENT = "sent", "Sent, not confirmed yet"
    ACKNOWLEDGED = "acknowledged", "Received by the partner"
    COMPLETED = "completed", "Signed as done"
    PARTIAL = "partial", "Signed as done in part"
    SUPERSEDED = "superseded", "Replaced by a newer one"
    PARKED = "parked", "Held back, we are looking into it"
    REJECTED = "rejected", "The partner refused"
    CONTRADICTED = "contradicted", "The partner went on after signing"


UNFINISHED = (
    State.QUEUED,
    State.SENT,
    State.ACKNOWLEDGED,
    State.PARTIAL,
    State.PARKED,
    State.REJECTED,
    State.CONTRADICTED,
)
TO_PUSH = (State.QUEUED, State.SENT, State.PARKED)


class ResponsibleParty(models.TextChoices):
    """Whose move it is while an order is parked."""

    US = "us", "Us"
    PARTNER = "partner", "The partner"
    BOTH = "both", "Both"
