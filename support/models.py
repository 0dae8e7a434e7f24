"""Tickets: people whose location was shared, and what we answer them."""

from django.db import models


class Ticket(models.Model):
    """One case. `code` is what the person quotes; ids, not keys, name what it is about."""

    class Kind(models.TextChoices):
        DISPUTE = "dispute", "I never agreed"
        INCIDENT = "incident", "Incident"
        OVERDUE = "overdue", "A partner is late"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    line_id = models.BigIntegerField(null=True)
    about = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="support_ticket_due")]

    def __str__(self) -> str:
        return self.code
