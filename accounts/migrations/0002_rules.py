"""Lines and people: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("accounts", "0002_officers"),
        ("accounts", "0003_tenures_stay"),
        ("accounts", "0004_code_askers"),
        ("accounts", "0005_ends_stay"),
        ("accounts", "0006_messages"),
        ("accounts", "0007_hold"),
        ("accounts", "0008_message_kinds"),
        ("accounts", "0009_ways_in"),
        ("accounts", "0010_texts"),
        ("accounts", "0011_notices_of_changes"),
        ("accounts", "0012_gateway_silences"),
        ("accounts", "0013_people"),
        ("accounts", "0014_letters_and_reminders"),
        ("accounts", "0015_case_messages"),
        ("accounts", "0016_a_code_for_support"),
        ("accounts", "0017_staff"),
        ("accounts", "0024_codes_to_read"),
    ]
    dependencies = [("accounts", "0001_initial"), ("audit", "0002_rules")]
    operations = [
        InstallSQL(),
    ]
