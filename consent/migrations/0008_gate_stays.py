"""The gate row says what the ledger says, whoever writes it; its stops only grow."""

from django.db import migrations

GUARDS = """
-- A direct change, as in a migration, may only bring the row to what the ledger says. What comes by a trigger has just
-- been derived from it.
CREATE FUNCTION consent_linegate_follows_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key text;
    origin text;
    at bigint;
    derived consent_linegate;
BEGIN
    FOR key, origin, at IN
        SELECT stop.key, said.key, said.value::bigint
        FROM jsonb_each(OLD.stops) AS stop, jsonb_each_text(stop.value) AS said
    LOOP
        IF coalesce((NEW.stops->key->>origin)::bigint, 0) < at THEN
            RAISE EXCEPTION 'a stop of line % would be gone', OLD.line_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_linegate_keeps_stops';
        END IF;
    END LOOP;
    IF pg_trigger_depth() = 1 THEN
        derived := consent_replayed_gate(OLD.line_id);
        IF (NEW.line_id, NEW.newest_at, NEW.stops, NEW.pauses, NEW.approvals, NEW.claims) IS DISTINCT FROM
            (OLD.line_id, derived.newest_at, derived.stops, derived.pauses, derived.approvals, derived.claims)
        THEN
            RAISE EXCEPTION 'the gate of line % would not be what its ledger says', OLD.line_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_linegate_follows_ledger';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_linegate_follows_ledger BEFORE UPDATE ON consent_linegate FOR EACH ROW
    WHEN ((NEW.line_id, NEW.newest_at, NEW.stops, NEW.pauses, NEW.approvals, NEW.claims)
        IS DISTINCT FROM (OLD.line_id, OLD.newest_at, OLD.stops, OLD.pauses, OLD.approvals, OLD.claims))
    EXECUTE FUNCTION consent_linegate_follows_ledger();
CREATE TRIGGER consent_linegate_kept BEFORE DELETE ON consent_linegate
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_linegate_no_truncate BEFORE TRUNCATE ON consent_linegate
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_choicereceipt_no_truncate BEFORE TRUNCATE ON consent_choicereceipt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0007_recorded")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
