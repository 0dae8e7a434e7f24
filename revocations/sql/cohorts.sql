-- Done is what was signed about the newest event. It is open again only where that event was contradicted, which is
-- written before, and a newer one asks anew.
CREATE OR REPLACE FUNCTION revocations_cohort_moves() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.completed_at IS DISTINCT FROM OLD.completed_at AND NEW.completed_at IS NOT NULL
        AND (OLD.completed_at IS NOT NULL OR NOT revocations_end_is_signed(NEW.id, NEW.event_id, NEW.party_id))
    THEN
        RAISE EXCEPTION 'nothing that its partner signed shows that cohort % is done', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_cohort_is_signed_for';
    END IF;
    IF (NEW.completed_at IS NULL AND OLD.completed_at IS NOT NULL
            OR NEW.contradicted_at IS DISTINCT FROM OLD.contradicted_at)
        AND (NEW.contradicted_at IS NULL OR NEW.contradicted_at < OLD.contradicted_at
            OR NEW.completed_at IS NOT NULL OR NEW.event_id IS NOT DISTINCT FROM OLD.event_id
            OR NOT EXISTS (SELECT FROM revocations_streamevent e
                WHERE e.id = OLD.event_id AND e.cohort_id = NEW.id AND e.state = 'contradicted'))
    THEN
        RAISE EXCEPTION 'cohort % does not go back', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_cohort_never_goes_back';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER revocations_cohort_moves BEFORE UPDATE ON revocations_cohort FOR EACH ROW
    WHEN ((NEW.completed_at, NEW.contradicted_at) IS DISTINCT FROM (OLD.completed_at, OLD.contradicted_at))
    EXECUTE FUNCTION revocations_cohort_moves();

CREATE OR REPLACE FUNCTION revocations_end_is_signed(which_end uuid, which_event uuid, who bigint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM revocations_cohortreceipt r JOIN partners_party p ON p.uri = r.signer_uri
        WHERE r.cohort_id = which_end AND r.event_id = which_event AND p.id = who AND r.status = 'completed')
$$;

CREATE OR REPLACE FUNCTION revocations_begins_undone() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the end of an agreement, and an event, begin with nothing done'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER revocations_cohort_begins BEFORE INSERT ON revocations_cohort FOR EACH ROW
    WHEN (coalesce(NEW.completed_at, NEW.contradicted_at) IS NOT NULL) EXECUTE FUNCTION revocations_begins_undone();
CREATE OR REPLACE TRIGGER revocations_event_begins BEFORE INSERT ON revocations_streamevent FOR EACH ROW
    WHEN (NEW.state <> 'queued' OR coalesce(NEW.sent_at, NEW.acknowledged_at) IS NOT NULL)
    EXECUTE FUNCTION revocations_begins_undone();
