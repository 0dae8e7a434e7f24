"""What a partner is asked to show when a person says that they never agreed, and what it answered."""

from django.db import models
from django.db.models import Q


class EvidenceRequest(models.Model):
    """One partner asked once for its proof that somebody agreed, by a date. It answers once; the rest stays as it is.

    `campaign` "": of whatever it holds for that company. What it answers is its own word, word for word.
    """

    class Answer(models.TextChoices):
        EVIDENCE = "evidence", "It says it has proof"
        NONE = "none", "It says it has no proof"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    choice_id = models.UUIDField()
    party_id = models.BigIntegerField()
    contract_id = models.BigIntegerField()
    campaign = models.CharField(max_length=200, blank=True)
    jti = models.CharField(max_length=64)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    overdue_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=8, choices=Answer, blank=True)
    method = models.CharField(max_length=40, blank=True)
    captured_at = models.DateTimeField(null=True)
    wording = models.CharField(max_length=1000, blank=True)
    language = models.CharField(max_length=40, blank=True)
    evidence_ref = models.CharField(max_length=1000, blank=True)
    answer_jti = models.CharField(max_length=200, blank=True)
    token = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True, token="")
                | (~Q(answer="") & Q(answered_at__isnull=False) & ~Q(token="")),
                name="revocations_evidence_answered_has_token",
            ),
            models.UniqueConstraint(
                fields=["line_id", "choice_id", "contract_id", "campaign"], name="revocations_evidence_asked_once"
            ),
        ]
        indexes = [
            models.Index(fields=["jti"], name="revocations_evidence_by_jti"),
            models.Index(
                fields=["answered_at"], condition=Q(answered_at__isnull=False), name="revocations_evidence_came"
            ),
            models.Index(
                fields=["overdue_at"], condition=Q(overdue_at__isnull=False), name="revocations_evidence_late"
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(answered_at__isnull=True, overdue_at__isnull=True),
                name="revocations_evidence_due",
            ),
        ]

    def __str__(self) -> str:
        return f"evidence asked for choice {self.choice_id}"
