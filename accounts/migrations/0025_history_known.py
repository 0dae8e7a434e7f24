"""Know when releases that were another line's came to a line: nobody opens them for a day."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("accounts", "0024_codes_to_read")]
    operations = [
        migrations.AddField("line", "history_known_at", models.DateTimeField(null=True)),
        InstallSQL("lines"),
    ]
