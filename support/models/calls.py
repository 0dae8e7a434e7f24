"""What the telephone system tells of calls, and whose lines take two to see."""

from django.db import models
from django.db.models import Q


class LoggedCall(models.Model):
    """The telephone system says that we called a line's number of record and it was answered. Good once, for a stop.

    `by`: who of staff called, by e-mail or as "agent:7". It is good for their own stops alone; "" for none.
    """

    id = models.BigAutoField(primary_key=True)
    call_ref = models.CharField(max_length=80, unique=True)
    line_id = models.BigIntegerField()
    answered_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    by = models.CharField(max_length=40, blank=True, default="")
    used_at = models.DateTimeField(null=True)
    used_for = models.CharField(max_length=12, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_for="") | (Q(used_at__isnull=False) & ~Q(used_for="")),
                name="support_call_used_for",
            ),
        ]
        indexes = [models.Index(fields=["line_id", "answered_at"], name="support_call_line")]

    def __str__(self) -> str:
        return f"call {self.call_ref}"


class ProtectedLine(models.Model):
    """An officer said that two of staff must agree before one of them sees whose this line is."""

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()
    ended_by = models.CharField(max_length=40, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="support_protected_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="support_protected_ended_by",
            ),
            models.UniqueConstraint(
                fields=["line_id"], condition=Q(ended_at__isnull=True), name="support_protected_once"
            ),
        ]

    def __str__(self) -> str:
        return f"protection of line {self.line_id}"
