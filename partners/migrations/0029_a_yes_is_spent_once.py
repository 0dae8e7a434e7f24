"""What 1.0.0 added to the tables of 0.1.0.

Rules that there are get neither a radius nor a payment: what they deny today they deny tomorrow. Clients that could sign
in before stay in; whatever is changed about them takes two. All that two officers agreed to so far has been done.
"""

from django.db import migrations, models

CHANGED = """
UPDATE partners_client SET changed_at = coalesce(disabled_at, now());
DROP TRIGGER partners_client_let_in_again ON partners_client;
DROP TRIGGER partners_client_number_kept ON partners_client;
DROP FUNCTION partners_client_let_in_again;
"""
# Whoever agreed may have left since, and no trigger is to mind.
DONE = """
ALTER TABLE partners_proposal DISABLE TRIGGER USER;
UPDATE partners_proposal SET spent_at = decided_at WHERE decision = 'agreed';
ALTER TABLE partners_proposal ENABLE TRIGGER USER;
DROP TRIGGER partners_proposal_decided_once ON partners_proposal;
DROP FUNCTION partners_proposal_decided_once;
"""


class Migration(migrations.Migration):
    replaces = [
        ("partners", "0021_functions_look_in_our_schema"),
        ("partners", "0022_decide_by_transition"),
        ("partners", "0023_two_officers_for_a_machine"),
        ("partners", "0024_end_of_protection"),
        ("partners", "0025_drafts_can_be_discarded"),
        ("partners", "0026_rules_within_a_radius"),
        ("partners", "0027_two_officers_for_addresses"),
        ("partners", "0028_plain_labels"),
    ]
    dependencies = [("partners", "0020_what_files_changed"), ("audit", "0022_plain_labels")]
    operations = [
        migrations.AddField("client", "changed_at", models.DateTimeField(null=True)),
        migrations.RunSQL(CHANGED, migrations.RunSQL.noop),
        migrations.AddField(
            "jurisdictionrule", "consideration", models.CharField(blank=True, db_default="", default="", max_length=10)
        ),
        migrations.AddField("jurisdictionrule", "max_radius_m", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("proposal", "spent_at", models.DateTimeField(null=True)),
        migrations.RunSQL(DONE, migrations.RunSQL.noop),
    ]
