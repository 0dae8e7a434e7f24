"""A tenure stays the tenure it is, and a number stays with the tenure that had it: stops hang on both."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION accounts_refuse_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what names a row of % is never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER accounts_line_stays_itself BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN ((NEW.id, NEW.carrier_id) IS DISTINCT FROM (OLD.id, OLD.carrier_id))
    EXECUTE FUNCTION accounts_refuse_other();
CREATE TRIGGER accounts_number_stays_with_its_line BEFORE UPDATE ON accounts_linenumber FOR EACH ROW
    WHEN ((NEW.id, NEW.line_id, NEW.msisdn_hash, NEW.starts_at)
        IS DISTINCT FROM (OLD.id, OLD.line_id, OLD.msisdn_hash, OLD.starts_at))
    EXECUTE FUNCTION accounts_refuse_other();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_officers"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
