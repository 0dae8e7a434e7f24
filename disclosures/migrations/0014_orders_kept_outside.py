"""Delayed-notice orders are kept outside the database: what a court hid must not show after a restore."""

from django.db import migrations

KEEPING = """
CREATE TRIGGER disclosures_notice_is_kept AFTER INSERT ON disclosures_delayednotice FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('notice', 'disclosure_id', 'suppressed_until', 'order_ref');
CREATE TRIGGER disclosures_held_notice_is_kept AFTER INSERT ON disclosures_heldnotice FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('notice', 'disclosure_id', 'suppressed_until', 'order_ref');
"""
UNDO = """
DROP TRIGGER disclosures_notice_is_kept ON disclosures_delayednotice;
DROP TRIGGER disclosures_held_notice_is_kept ON disclosures_heldnotice;
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0013_archives"), ("consent", "0016_tightened")]
    operations = [migrations.RunSQL(KEEPING, UNDO)]
