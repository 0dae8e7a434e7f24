"""What a delayed notice leaves for the archive is a row of its own line, and needs no other server to be written."""

from django.db import migrations

KEEPING = """
-- One row with its line as it is given: where lines are spread over servers, it goes to the shard of its notice.
CREATE FUNCTION disclosures_notice_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_tightening (kind, line_id, said, at)
    VALUES ('notice', NEW.line_id, jsonb_build_object('disclosure_id', NEW.disclosure_id, 'suppressed_until',
        NEW.suppressed_until, 'order_ref', NEW.order_ref), clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER disclosures_notice_is_kept AFTER INSERT ON disclosures_delayednotice FOR EACH ROW
    EXECUTE FUNCTION disclosures_notice_is_kept();
"""
UNDO = """
CREATE OR REPLACE TRIGGER disclosures_notice_is_kept AFTER INSERT ON disclosures_delayednotice FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('notice', 'disclosure_id', 'suppressed_until', 'order_ref');
DROP FUNCTION disclosures_notice_is_kept;
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0019_what_was_shortened_before"), ("consent", "0019_kept_with_its_line")]
    operations = [migrations.RunSQL(KEEPING, UNDO)]
