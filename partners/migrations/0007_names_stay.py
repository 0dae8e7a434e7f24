"""What a stop names stays what it names; kin, reach, suspensions and rules can't be emptied."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION partners_refuse_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what names a row of % is never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_party_stays_itself BEFORE UPDATE ON partners_party FOR EACH ROW
    WHEN ((NEW.id, NEW.uri) IS DISTINCT FROM (OLD.id, OLD.uri))
    EXECUTE FUNCTION partners_refuse_other();
CREATE TRIGGER partners_contract_stays_itself BEFORE UPDATE ON partners_contract FOR EACH ROW
    WHEN ((NEW.id, NEW.ref, NEW.aggregator_id) IS DISTINCT FROM (OLD.id, OLD.ref, OLD.aggregator_id))
    EXECUTE FUNCTION partners_refuse_other();
CREATE TRIGGER partners_campaign_stays_itself BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN ((NEW.id, NEW.ref) IS DISTINCT FROM (OLD.id, OLD.ref))
    EXECUTE FUNCTION partners_refuse_other();

-- A campaign whose requests name their recipient is not covered by a stop of another recipient.
CREATE FUNCTION partners_recipient_stays_covered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stops of those behind campaign % would cover less', OLD.ref
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_recipient_stays_covered BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NEW.names_recipient AND NOT OLD.names_recipient AND NOT OLD.is_draft)
    EXECUTE FUNCTION partners_recipient_stays_covered();

CREATE TRIGGER partners_kin_no_truncate BEFORE TRUNCATE ON partners_kin
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_reach_no_truncate BEFORE TRUNCATE ON partners_reach
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_suspension_no_truncate BEFORE TRUNCATE ON partners_suspension
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_rule_no_truncate BEFORE TRUNCATE ON partners_jurisdictionrule
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0006_room_for_dealings"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
