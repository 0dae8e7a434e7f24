"""Let staff leave out kinds of notifications, and be told in their language."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0019_agreements_and_saved_views")]
    operations = [
        migrations.AddField(
            "notificationchannel",
            "left_out",
            models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            "notificationchannel", "language", models.CharField(db_default="en", default="en", max_length=12)
        ),
    ]
