"""How a partner's verifications went is kept with the partner: a new stream does not begin anew."""

from django.db import migrations, models

CARRIED_OVER = """
INSERT INTO revocations_streamhealth (party_id, failed_verifications, counts_from)
SELECT party_id, failed_verifications, greatest(status_at, created_at) FROM revocations_stream;
"""
BACK = """
UPDATE revocations_stream s SET failed_verifications = h.failed_verifications
FROM revocations_streamhealth h WHERE h.party_id = s.party_id;
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0010_orders_begin_queued")]
    operations = [
        migrations.CreateModel(
            name="StreamHealth",
            fields=[
                ("party_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("failed_verifications", models.PositiveSmallIntegerField(default=0)),
                ("counts_from", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(CARRIED_OVER, BACK),
        migrations.RemoveField("stream", "failed_verifications"),
    ]
