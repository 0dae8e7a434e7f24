CREATE OR REPLACE FUNCTION revocations_order_begins() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
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
CREATE OR REPLACE TRIGGER revocations_order_begins BEFORE INSERT ON revocations_order
    FOR EACH ROW EXECUTE FUNCTION revocations_order_begins();

CREATE OR REPLACE FUNCTION revocations_order_moves() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.state, NEW.superseded_by) IS DISTINCT FROM (OLD.state, OLD.superseded_by)
        AND NOT revocations_is_shown(NEW)
    THEN
        RAISE EXCEPTION 'nothing shows that an order is %', NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_shows_it';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        > audit_now() + interval '7 days'
    THEN
        RAISE EXCEPTION 'the next try of an order is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER revocations_order_moves BEFORE UPDATE ON revocations_order FOR EACH ROW
    WHEN ((NEW.state, NEW.superseded_by, NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        IS DISTINCT FROM
        (OLD.state, OLD.superseded_by, OLD.next_attempt_at, OLD.leased_until, OLD.again_at, OLD.polled_until))
    EXECUTE FUNCTION revocations_order_moves();

CREATE OR REPLACE FUNCTION revocations_order_guard() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
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
CREATE OR REPLACE TRIGGER revocations_order_guard BEFORE UPDATE OR DELETE ON revocations_order
    FOR EACH ROW EXECUTE FUNCTION revocations_order_guard();

-- The proof is written before the state it proves, in the same transaction.
CREATE OR REPLACE FUNCTION revocations_is_shown(o revocations_order) RETURNS boolean LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
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
