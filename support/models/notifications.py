"""To whom we send what waits for staff, outside its pages."""

from django.conf import settings
from django.db import models


class NotificationChannel(models.Model):
    """The e-mail of one of staff, or the webhook (`user` None). `told_at`: everything that came up to then was sent.

    `left_out`: kinds that it is not told of, by name. `language`: in which it is told of the others.
    Nothing is sent from the hour `quiet_from` to the hour `quiet_until` in `zone`; where both are the same, any time.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    is_on = models.BooleanField()
    quiet_from = models.PositiveSmallIntegerField(default=0)
    quiet_until = models.PositiveSmallIntegerField(default=0)
    zone = models.CharField(max_length=40, default="UTC")
    left_out = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    language = models.CharField(max_length=12, default="en", db_default="en")
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], name="support_notificationchannel_one_webhook", condition=models.Q(user__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_from__lt=24, quiet_until__lt=24), name="support_notificationchannel_hours"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"notifications for {self.user_id or 'the webhook'}"
