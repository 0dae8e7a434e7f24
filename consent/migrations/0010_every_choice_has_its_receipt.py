"""What a person chose is not committed without the signed proof of it."""

from django.db import migrations

RECEIPTS = """
CREATE FUNCTION consent_choice_has_its_receipt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM consent_choicereceipt r WHERE r.line_id = NEW.line_id AND r.choice_id = NEW.id) THEN
        RAISE EXCEPTION 'choice % has no receipt', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_has_its_receipt';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER consent_choice_has_its_receipt AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'person')
    EXECUTE FUNCTION consent_choice_has_its_receipt();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0009_a_stop_s_orders_say_so")]
    operations = [migrations.RunSQL(RECEIPTS, "DROP FUNCTION consent_choice_has_its_receipt CASCADE")]
