"""Periods that ended before their ends were noted are looked at too: by itself, so that nobody waits for it."""

from django.db import migrations

# Only lines that were reported on after such a period began to be over; what they have by another number stays.
ENDED = """
INSERT INTO disclosures_shortenedperiod (line_id, msisdn_hash, since)
SELECT one.line_id, one.msisdn_hash, one.ends_at FROM accounts_linenumber one
WHERE one.ends_at IS NOT NULL AND EXISTS (
    SELECT FROM disclosures_disclosure d WHERE d.line_id = one.line_id AND d.occurred_at >= one.ends_at)
ORDER BY one.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0018_given_back'),
    ]

    operations = [
        migrations.RunSQL(ENDED, migrations.RunSQL.noop),
    ]
