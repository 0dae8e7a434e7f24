"""The rules of the desk as they stand today, for a database of 0.1.0."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    replaces = [
        ("support", "0003_a_yes_is_spent_once"),
        ("support", "0010_functions_look_in_our_schema"),
        ("support", "0011_decide_by_transition"),
    ]
    dependencies = [("support", "0009_one_sender_s_cases"), ("partners", "0029_a_yes_is_spent_once")]
    operations = [InstallSQL("guards", "tickets")]
