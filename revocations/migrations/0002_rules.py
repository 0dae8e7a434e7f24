"""Orders and receipts: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("revocations", "0002_guards"),
        ("revocations", "0003_officers"),
        ("revocations", "0004_cohorts"),
        ("revocations", "0005_trials"),
        ("revocations", "0006_clocks"),
        ("revocations", "0007_delivery"),
        ("revocations", "0008_nothing_slips_away"),
        ("revocations", "0009_polled"),
        ("revocations", "0010_orders_begin_queued"),
        ("revocations", "0011_health_of_streams"),
        ("revocations", "0012_a_whole_end_may_be_contradicted"),
        ("revocations", "0013_when_ends_were_recorded"),
        ("revocations", "0014_evidence"),
        ("revocations", "0015_what_came_back"),
        ("revocations", "0018_trials_refuse_below"),
    ]
    dependencies = [("revocations", "0001_initial"), ("partners", "0002_rules")]
    operations = [
        InstallSQL(),
    ]
