"""The line comes into the key of what waits, as it is in every other table that grows with lines."""

from django.db import migrations, models

BY_LINE = """
ALTER TABLE consent_unarchived DROP CONSTRAINT consent_unarchived_pkey,
    ADD CONSTRAINT consent_unarchived_pkey PRIMARY KEY USING INDEX consent_unarchived_by_line
"""
BY_LINE_UNDO = """
ALTER TABLE consent_unarchived DROP CONSTRAINT consent_unarchived_pkey,
    ADD CONSTRAINT consent_unarchived_pkey PRIMARY KEY (id)
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0020_found_by_line_and_by_age")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(BY_LINE, BY_LINE_UNDO)],
            state_operations=[
                migrations.DeleteModel("Unarchived"),
                migrations.CreateModel(
                    name="Unarchived",
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
                            models.BigIntegerField(
                                db_default=models.Func(models.Value("consent_unarchived_id_seq"), function="nextval"),
                                editable=False,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("choice", "Choice"), ("suspension", "Suspension"), ("end", "End")],
                                max_length=10,
                            ),
                        ),
                        ("object_id", models.CharField(max_length=40)),
                        ("queued_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["queued_at", "id"], name="consent_unarchived_first")],
                    },
                ),
            ],
        ),
    ]
