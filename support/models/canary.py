"""The hourly trial of stopping, and lines by which false receipts are found out."""

from django.db import models


class CanaryRun(models.Model):
    """One trial of stopping with a line of our own. `step`: the one it is at, or at which it ended.

    `seconds`: how long each step took. `heard`: the order that came to the company that is told, and when.
    """

    class Step(models.TextChoices):
        ALLOW = "allow", "saying yes"
        PAGE = "page", "stopping on the page"
        GATE = "gate", "the gate's no"
        RECEIPT = "receipt", "our receipt"
        PUSH = "push", "telling the company"
        SIGNED = "signed", "the company's receipt"
        AGAIN = "again", "saying yes again"

    id = models.BigAutoField(primary_key=True)
    began_at = models.DateTimeField()
    step = models.CharField(max_length=10, choices=Step, default=Step.ALLOW)
    finished_at = models.DateTimeField(null=True)
    failed = models.CharField(max_length=200, blank=True)
    seconds = models.JSONField(default=dict, blank=True)
    order_id = models.UUIDField(null=True)
    heard_order_id = models.UUIDField(null=True)
    heard_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(failed="") | models.Q(finished_at__isnull=False),
                name="support_canaryrun_failed_ends",
            ),
            models.UniqueConstraint(
                fields=["finished_at"],
                name="support_canaryrun_one_at_a_time",
                condition=models.Q(finished_at__isnull=True),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk}, {self.step}"


class CarrierTestLine(models.Model):
    """A line of the carrier's own test account, by which false receipts of real partners are found out."""

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    marked_at = models.DateTimeField()
    marked_by = models.CharField(max_length=40)
    about = models.CharField(max_length=500)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "support_seedline"
        constraints = [
            models.UniqueConstraint(
                fields=["line_id"], name="support_seedline_once", condition=models.Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"seed {self.pk}"
