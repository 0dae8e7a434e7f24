"""Two officers say that one of staff is enough again to see whose a line is."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION support_protection_two_officers() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM partners_proposal p
        WHERE p.act = 'end_protection' AND p.of = 'protection' AND p.target_id = OLD.id AND p.decision = 'agreed'
            AND p.decided_by <> p.proposed_by AND p.decided_by = NEW.ended_by)
    THEN
        RAISE EXCEPTION 'to end the protection of a line needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER support_protectedline_two_officers BEFORE UPDATE ON support_protectedline FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION support_protection_two_officers();
"""


class Migration(migrations.Migration):
    dependencies = [("support", "0011_decide_by_transition"), ("partners", "0024_end_of_protection")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
