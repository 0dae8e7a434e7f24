"""What changed since somebody was last at the dashboard, whatever the cache has forgotten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0029_officers_are_told_of_new_staff")]
    operations = [
        migrations.AddField("user", "seen_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddField("user", "seen_before_at", models.DateTimeField(null=True, blank=True)),
    ]
