"""Orders are never deleted and never go back; attempts and receipts are append-only."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION revocations_order_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_is_kept';
    END IF;
    IF OLD.state = 'superseded' AND NEW.state <> 'superseded'
        OR OLD.state = 'completed' AND NEW.state NOT IN ('completed', 'contradicted', 'superseded')
        OR OLD.state IN ('acknowledged', 'partial', 'rejected', 'contradicted') AND NEW.state IN ('queued', 'sent', 'parked')
        OR OLD.state IN ('partial', 'completed', 'contradicted') AND NEW.state = 'acknowledged'
    THEN
        RAISE EXCEPTION 'an order does not go back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_never_goes_back';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_order_guard BEFORE UPDATE OR DELETE ON revocations_order
    FOR EACH ROW EXECUTE FUNCTION revocations_order_guard();
CREATE TRIGGER revocations_order_no_truncate BEFORE TRUNCATE ON revocations_order
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_attempt_append_only BEFORE UPDATE OR DELETE ON revocations_attempt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_receipt_append_only BEFORE UPDATE OR DELETE ON revocations_receipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0001_initial"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
