"""Note on a release which places of its path the report had left out."""

from django.db import migrations, models

COLUMN = """
ALTER TABLE disclosures_disclosure ADD COLUMN path_completed varchar(12) NOT NULL DEFAULT '';
ALTER TABLE disclosures_disclosure ADD CONSTRAINT disclosures_path_completed_known
    CHECK (path_completed IN ('', 'aggregator', 'lbs_provider', 'both')) NOT VALID;
"""


class Migration(migrations.Migration):
    replaces = [
        ("disclosures", "0003_plain_labels"),
        ("disclosures", "0004_a_yes_is_spent_once"),
        ("disclosures", "0025_functions_look_in_our_schema"),
    ]
    dependencies = [("disclosures", "0024_orders_outlast_months")]
    operations = [
        migrations.RunSQL(
            COLUMN,
            "ALTER TABLE disclosures_disclosure DROP COLUMN path_completed",
            state_operations=[
                migrations.AddField(
                    model_name="disclosure",
                    name="path_completed",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("", "Nothing"),
                            ("aggregator", "The aggregator"),
                            ("lbs_provider", "The LBS provider"),
                            ("both", "The aggregator and the LBS provider"),
                        ],
                        db_default="",
                        default="",
                        max_length=12,
                    ),
                )
            ],
        )
    ]
