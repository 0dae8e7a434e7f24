"""What two officers agreed to is done once: the yes is spent by it. All that was agreed so far has been done."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL

# Whoever agreed may have left since, and no trigger is to mind.
DONE = """
ALTER TABLE partners_proposal DISABLE TRIGGER USER;
UPDATE partners_proposal SET spent_at = decided_at WHERE decision = 'agreed';
ALTER TABLE partners_proposal ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0028_plain_labels")]
    operations = [
        migrations.AddField("proposal", "spent_at", models.DateTimeField(null=True)),
        migrations.RunSQL(DONE, migrations.RunSQL.noop),
        InstallSQL("addresses", "agents", "contracts", "decisions", "machines"),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS partners_addresses_agreed(text, text, bigint, jsonb)", migrations.RunSQL.noop
        ),
    ]
