"""Keep the colleagues chosen for a note with its draft."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0020_notification_kinds")]
    operations = [
        migrations.AddField(
            "draft", "mentions", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)
        )
    ]
