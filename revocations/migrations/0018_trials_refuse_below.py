"""What 1.0.0 added to the tables of 0.1.0, and its rules as they stand today."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    replaces = [
        ("revocations", "0003_plain_labels"),
        ("revocations", "0016_functions_look_in_our_schema"),
        ("revocations", "0017_decide_by_transition"),
    ]
    dependencies = [("revocations", "0015_what_came_back"), ("partners", "0029_a_yes_is_spent_once")]
    operations = [
        migrations.AddField("trialorder", "below", models.CharField(blank=True, db_default="", default="", max_length=8)),
        InstallSQL(),
    ]
