"""Which texts a line's person wants: none at all, no reminders, or each kind by itself."""

from django.db import models
from django.db.models import Q

from accounts.models.lines import Line


class LineTexts(models.Model):
    """A line whose person texted that they want no news by text, and since when."""

    line = models.OneToOneField(Line, on_delete=models.PROTECT, primary_key=True, related_name="texts")
    off_since = models.DateTimeField()

    def __str__(self) -> str:
        return f"no news to line {self.pk}"


class LineReminder(models.Model):
    """When a line was last reminded that something is still on, and since when its person wants no reminders."""

    line = models.OneToOneField(Line, on_delete=models.PROTECT, primary_key=True, related_name="reminder")
    told_at = models.DateTimeField(null=True)
    off_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"reminders of line {self.pk}"


class AlertChoice(models.Model):
    """Whether a line's person wants one kind of alert, where they chose, and when a yearly one was last sent."""

    class Topic(models.TextChoices):
        CONFIRMATIONS = "confirmations", "Each stop and pause made from this phone or sign-in"
        CHANGES = "changes", "Our records change, or a time limit ends"
        SIGNED = "signed", "The last company has signed"
        LATE = "late", "A company is late in signing"
        ASKED = "asked", "A company asks to find the phone"
        YEARLY = "yearly", "A link to the past year's history"

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="alert_choices")
    topic = models.CharField(max_length=14, choices=Topic)
    wanted = models.BooleanField()
    chosen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "topic"], name="accounts_alertchoice_once")]
        indexes = [
            models.Index(
                fields=["told_at"], condition=Q(topic="yearly", wanted=True), name="accounts_alertchoice_yearly"
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} of line {self.line_id}"
