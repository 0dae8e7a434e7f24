"""Keep the keys by which receipts were accepted: those that are known when this is run, whichever signed one."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import MD5, Cast

KNOWN = """
INSERT INTO partners_receiptkey (party_id, jwk)
SELECT known.party_id, jwk FROM partners_partnerkeyset known, jsonb_array_elements(known.jwks->'keys') AS jwk
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0035_dealings_stay")]
    operations = [
        migrations.CreateModel(
            name="ReceiptKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("jwk", models.JSONField()),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.party"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("party"), MD5(Cast("jwk", models.TextField())), name="partners_receiptkey_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
