"""And into the key of what else tightened."""

import django.contrib.postgres.functions
from django.db import migrations, models

BY_LINE = """
ALTER TABLE consent_tightening DROP CONSTRAINT consent_tightening_pkey,
    ADD CONSTRAINT consent_tightening_pkey PRIMARY KEY USING INDEX consent_tightening_by_line
"""
BY_LINE_UNDO = """
ALTER TABLE consent_tightening DROP CONSTRAINT consent_tightening_pkey,
    ADD CONSTRAINT consent_tightening_pkey PRIMARY KEY (id)
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0021_waiting_rows_of_lines")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(BY_LINE, BY_LINE_UNDO)],
            state_operations=[
                migrations.DeleteModel("Tightening"),
                migrations.CreateModel(
                    name="Tightening",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "line_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("line_id", models.BigIntegerField(db_default=0, default=0)),
                        (
                            "id",
                            models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), editable=False),
                        ),
                        ("kind", models.CharField(max_length=10)),
                        ("said", models.JSONField()),
                        ("at", models.DateTimeField()),
                        ("archived_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("archived_at__isnull", True)),
                                fields=["at"],
                                name="consent_tightening_waits",
                            ),
                            models.Index(fields=["id"], name="consent_tightening_named"),
                        ],
                    },
                ),
            ],
        ),
    ]
