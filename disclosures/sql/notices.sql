CREATE OR REPLACE FUNCTION disclosures_note_notices() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT d.line_id, (d.occurred_at AT TIME ZONE long.zone)::date
    FROM changed JOIN disclosures_longline long ON long.line_id = changed.line_id
        JOIN disclosures_disclosure d ON d.line_id = changed.line_id AND d.id = changed.disclosure_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER disclosures_note_notices AFTER INSERT ON disclosures_delayednotice
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION disclosures_note_notices();

-- One row with its line as it is given: where lines are spread over servers, it goes to the shard of its notice.
CREATE OR REPLACE FUNCTION disclosures_notice_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_tightening (kind, line_id, said, at)
    VALUES ('notice', NEW.line_id, jsonb_build_object('disclosure_id', NEW.disclosure_id, 'suppressed_until',
        NEW.suppressed_until, 'order_ref', NEW.order_ref), clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER disclosures_notice_is_kept AFTER INSERT ON disclosures_delayednotice FOR EACH ROW
    EXECUTE FUNCTION disclosures_notice_is_kept();

-- How long a release of a dropped month stays after its order, so that its person can see it.
CREATE OR REPLACE FUNCTION disclosures_shown_after_order() RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT interval '30 days';
END;
