"""An order goes on only with what shows it, and its next try is near; events are never deleted and never go back."""

from django.db import migrations

GUARDS = """
-- The proof is written before the state it proves, in the same transaction.
CREATE FUNCTION revocations_is_shown(o revocations_order) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE o.state
    WHEN 'superseded' THEN
        RETURN EXISTS (SELECT FROM revocations_order newer
            WHERE newer.line_id = o.line_id AND newer.id = o.superseded_by AND newer.contract_id = o.contract_id
                AND (newer.epoch, newer.version) > (o.epoch, o.version));
    WHEN 'sent', 'acknowledged' THEN
        RETURN EXISTS (SELECT FROM revocations_attempt a WHERE a.line_id = o.line_id AND a.order_id = o.id)
            OR EXISTS (SELECT FROM revocations_receipt r WHERE r.line_id = o.line_id AND r.order_id = o.id);
    WHEN 'rejected' THEN
        RETURN EXISTS (SELECT FROM revocations_receipt r
            WHERE r.line_id = o.line_id AND r.order_id = o.id AND r.status = 'rejected');
    WHEN 'completed', 'partial', 'contradicted' THEN
        -- Signed for by itself, or with the whole agreement when that ended.
        RETURN EXISTS (SELECT FROM revocations_receipt r
                WHERE r.line_id = o.line_id AND r.order_id = o.id AND r.status = 'completed')
            OR EXISTS (SELECT FROM revocations_cohort c
                JOIN partners_party p ON p.id = c.party_id
                JOIN revocations_cohortreceipt r ON r.cohort_id = c.id AND r.signer_uri = p.uri
                WHERE c.of = 'contract' AND c.contract_id = o.contract_id AND c.party_id = o.party_id
                    AND c.epoch > o.epoch AND r.status = 'completed');
    ELSE
        RETURN true;
    END CASE;
END $$;

CREATE FUNCTION revocations_order_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state, NEW.superseded_by) IS DISTINCT FROM (OLD.state, OLD.superseded_by)
        AND NOT revocations_is_shown(NEW)
    THEN
        RAISE EXCEPTION 'nothing shows that an order is %', NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_shows_it';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at) > audit_now() + interval '7 days' THEN
        RAISE EXCEPTION 'the next try of an order is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_order_moves BEFORE UPDATE ON revocations_order FOR EACH ROW
    WHEN ((NEW.state, NEW.superseded_by, NEW.next_attempt_at, NEW.leased_until, NEW.again_at)
        IS DISTINCT FROM (OLD.state, OLD.superseded_by, OLD.next_attempt_at, OLD.leased_until, OLD.again_at))
    EXECUTE FUNCTION revocations_order_moves();

CREATE FUNCTION revocations_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an event is never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_is_kept';
    END IF;
    IF (NEW.id, NEW.party_id, NEW.contract_id, NEW.kind, NEW.jti, NEW.claims)
        IS DISTINCT FROM (OLD.id, OLD.party_id, OLD.contract_id, OLD.kind, OLD.jti, OLD.claims)
        OR OLD.state NOT IN ('queued', 'sent', 'parked') AND NEW.state IN ('queued', 'sent', 'parked')
        OR OLD.state IN ('completed', 'partial') AND NEW.state IN ('acknowledged', 'rejected')
        OR OLD.state = 'completed' AND NEW.state <> 'completed'
    THEN
        RAISE EXCEPTION 'an event stays what it is and does not go back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_never_goes_back';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at) > audit_now() + interval '7 days' THEN
        RAISE EXCEPTION 'the next try of an event is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_event_guard BEFORE UPDATE OR DELETE ON revocations_streamevent
    FOR EACH ROW EXECUTE FUNCTION revocations_event_guard();
CREATE TRIGGER revocations_event_no_truncate BEFORE TRUNCATE ON revocations_streamevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE TRIGGER revocations_attempt_no_truncate BEFORE TRUNCATE ON revocations_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_receipt_no_truncate BEFORE TRUNCATE ON revocations_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_duty_kept BEFORE DELETE ON revocations_duty
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_duty_no_truncate BEFORE TRUNCATE ON revocations_duty
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0007_delivery"), ("partners", "0001_initial"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
