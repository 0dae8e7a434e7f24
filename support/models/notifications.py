"""To whom we send what waits for officers, outside the console."""

from django.conf import settings
from django.db import models


class NotificationChannel(models.Model):
    """An officer's e-mail, or the webhook (`user` None). `told_at`: everything that came up to then was sent.

    Nothing is sent from the hour `quiet_from` to the hour `quiet_until` in `zone`; where both are the same, any time.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    is_on = models.BooleanField()
    quiet_from = models.PositiveSmallIntegerField(default=0)
    quiet_until = models.PositiveSmallIntegerField(default=0)
    zone = models.CharField(max_length=40, default="UTC")
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
