"""What ended stays ended, a number is one line's at a time, and no tenure is deleted."""

from django.db import migrations

GUARDS = """
-- An end may be corrected to another moment, and never be taken away: what was agreed would count again.
CREATE FUNCTION accounts_refuse_undoing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an end of % is not taken back', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER accounts_line_stays_ended BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.deactivated_at IS NOT NULL AND NEW.deactivated_at IS NULL)
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE TRIGGER accounts_number_change_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.number_changed_at IS NOT NULL
        AND (NEW.number_changed_at IS NULL OR NEW.number_changed_at < OLD.number_changed_at))
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE TRIGGER accounts_number_stays_ended BEFORE UPDATE ON accounts_linenumber FOR EACH ROW
    WHEN (OLD.ends_at IS NOT NULL AND NEW.ends_at IS NULL)
    EXECUTE FUNCTION accounts_refuse_undoing();

-- Looked up by the number's own key. Whoever writes lines does so alone, so nothing comes between.
CREATE FUNCTION accounts_number_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_linenumber own JOIN accounts_linenumber other ON other.msisdn_hash = own.msisdn_hash
        WHERE own.id = NEW.id AND other.id <> own.id
            AND (own.ends_at IS NULL OR own.starts_at < own.ends_at AND other.starts_at < own.ends_at)
            AND (other.ends_at IS NULL OR other.starts_at < other.ends_at AND own.starts_at < other.ends_at))
    THEN
        RAISE EXCEPTION 'a number would be two lines'' at one moment'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'accounts_number_overlap';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_number_overlap AFTER INSERT OR UPDATE OF ends_at ON accounts_linenumber
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_number_overlap();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_code_askers"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
