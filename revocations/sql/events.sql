CREATE OR REPLACE FUNCTION revocations_event_guard() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an event is never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_is_kept';
    END IF;
    IF (NEW.id, NEW.party_id, NEW.contract_id, NEW.cohort_id, NEW.kind, NEW.jti, NEW.claims)
        IS DISTINCT FROM (OLD.id, OLD.party_id, OLD.contract_id, OLD.cohort_id, OLD.kind, OLD.jti, OLD.claims)
        OR OLD.state NOT IN ('queued', 'sent', 'parked') AND NEW.state IN ('queued', 'sent', 'parked')
        OR OLD.state IN ('completed', 'partial') AND NEW.state IN ('acknowledged', 'rejected')
        OR OLD.state = 'completed' AND NEW.state NOT IN ('completed', 'contradicted')
        OR OLD.state = 'contradicted' AND NEW.state <> 'contradicted'
    THEN
        RAISE EXCEPTION 'an event stays what it is and does not go back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_never_goes_back';
    END IF;
    IF NEW.state <> OLD.state AND (
        NEW.state = 'contradicted' AND OLD.state NOT IN ('completed', 'partial')
        OR NEW.state IN ('completed', 'partial', 'contradicted')
            AND NOT revocations_end_is_signed(NEW.cohort_id, NEW.id, NEW.party_id)
        OR NEW.state = 'rejected' AND NEW.kind = 'cohort-revoked' AND NOT EXISTS (
            SELECT FROM revocations_cohortreceipt r JOIN partners_party p ON p.uri = r.signer_uri
            WHERE r.cohort_id = NEW.cohort_id AND r.event_id = NEW.id AND p.id = NEW.party_id AND r.status = 'rejected'))
    THEN
        RAISE EXCEPTION 'nothing that its partner signed shows that event % is %', NEW.id, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_shows_it';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        > audit_now() + interval '7 days'
    THEN
        RAISE EXCEPTION 'the next try of an event is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER revocations_event_guard BEFORE UPDATE OR DELETE ON revocations_streamevent
    FOR EACH ROW EXECUTE FUNCTION revocations_event_guard();
