"""The audit trail: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

CHAINS = """
-- 16 chains, so that one busy line does not wait for all others; a line's events are all in one chain.
INSERT INTO audit_chainhead (chain, seq, hash)
SELECT chain, 0, sha256(convert_to('whereabouts audit chain ' || chain, 'UTF8')) FROM generate_series(0, 15) AS chain;
"""


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("audit", "0002_chain"),
        ("audit", "0003_officers"),
        ("audit", "0004_acts_of_officers"),
        ("audit", "0005_no_way_out"),
        ("audit", "0006_heads_stay"),
        ("audit", "0007_room_for_names"),
        ("audit", "0008_anomalies"),
        ("audit", "0009_texts_spent"),
        ("audit", "0010_no_evidence"),
        ("audit", "0011_after_we_suspended"),
        ("audit", "0012_incidents_at_work"),
        ("audit", "0013_clocks_begin_anew"),
        ("audit", "0014_officers_looks"),
        ("audit", "0018_acts_of_staff"),
        ("audit", "0022_plain_labels"),
    ]
    dependencies = [("audit", "0001_initial")]
    operations = [
        InstallSQL(),
        migrations.RunSQL(CHAINS, migrations.RunSQL.noop),
    ]
