"""What 1.0.0 changed in the database of 0.1.0: the index of officers' acts goes, that of staff's holds them too."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    replaces = [
        ("audit", "0015_functions_look_in_our_schema"),
        ("audit", "0016_decide_by_transition"),
        ("audit", "0017_machines_by_the_operator"),
        ("audit", "0019_one_index_of_staff"),
        ("audit", "0020_addresses_by_the_operator"),
        ("audit", "0021_find_heads_by_their_index"),
    ]
    dependencies = [("audit", "0018_acts_of_staff")]
    operations = [
        InstallSQL(),
        migrations.RunSQL("DROP INDEX IF EXISTS audit_event_officers", migrations.RunSQL.noop),
    ]
