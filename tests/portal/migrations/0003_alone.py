"""Needs a table alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("support", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE support_ticket ADD COLUMN next_release text", "ALTER TABLE support_ticket DROP COLUMN next_release"
        )
    ]
