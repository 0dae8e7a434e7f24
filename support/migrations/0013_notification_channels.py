"""To whom we send what waits for officers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0003_a_yes_is_spent_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NotificationChannel",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("is_on", models.BooleanField()),
                ("quiet_from", models.PositiveSmallIntegerField(default=0)),
                ("quiet_until", models.PositiveSmallIntegerField(default=0)),
                ("zone", models.CharField(default="UTC", max_length=40)),
                ("told_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("user__isnull", True)),
                        fields=("user",),
                        name="support_notificationchannel_one_webhook",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quiet_from__lt", 24), ("quiet_until__lt", 24)),
                        name="support_notificationchannel_hours",
                    ),
                ],
            },
        ),
    ]
