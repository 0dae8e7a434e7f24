"""An order begins queued and soon due, versions only rise, and what is owed is discharged only by what was signed."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION revocations_order_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'queued' OR NEW.attempts <> 0 OR NEW.superseded_by IS NOT NULL
        OR coalesce(NEW.sent_at, NEW.acknowledged_at, NEW.completed_at) IS NOT NULL
    THEN
        RAISE EXCEPTION 'an order begins queued, and with nothing done'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_begins_queued';
    END IF;
    IF NEW.next_attempt_at IS NULL OR NEW.next_attempt_at > audit_now() + interval '7 days' THEN
        RAISE EXCEPTION 'the first try of an order is not set, or more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_order_begins BEFORE INSERT ON revocations_order
    FOR EACH ROW EXECUTE FUNCTION revocations_order_begins();

CREATE FUNCTION revocations_standing_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'where a line stands at a partner is never forgotten'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_standing_is_kept';
    END IF;
    IF (NEW.line_id, NEW.contract_id) IS DISTINCT FROM (OLD.line_id, OLD.contract_id)
        OR (NEW.epoch, NEW.version) < (OLD.epoch, OLD.version)
    THEN
        RAISE EXCEPTION 'the version told to a partner does not go back'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_standing_only_rises';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_standing_rises BEFORE UPDATE OR DELETE ON revocations_standing
    FOR EACH ROW EXECUTE FUNCTION revocations_standing_rises();

-- The receipt is written before what it discharges, in the same transaction.
CREATE FUNCTION revocations_duty_discharged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM revocations_receipt r
            WHERE r.line_id = NEW.line_id AND r.jti = NEW.discharged_by AND r.status = 'completed')
        AND NOT EXISTS (SELECT FROM revocations_cohortreceipt r
            JOIN revocations_cohort c ON c.id = r.cohort_id AND c.contract_id = NEW.contract_id
            WHERE r.jti = NEW.discharged_by AND r.status = 'completed')
    THEN
        RAISE EXCEPTION 'nothing that a partner signed discharges this'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_duty_is_signed_for';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_duty_discharged BEFORE UPDATE ON revocations_duty FOR EACH ROW
    WHEN (NEW.discharged_at IS NOT NULL
        AND (NEW.discharged_at, NEW.discharged_by) IS DISTINCT FROM (OLD.discharged_at, OLD.discharged_by))
    EXECUTE FUNCTION revocations_duty_discharged();
CREATE FUNCTION revocations_duty_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a duty begins owed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_duty_begins_owed';
END $$;
CREATE TRIGGER revocations_duty_begins BEFORE INSERT ON revocations_duty FOR EACH ROW
    WHEN (NEW.discharged_at IS NOT NULL) EXECUTE FUNCTION revocations_duty_begins();
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0009_polled"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
