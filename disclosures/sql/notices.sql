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
DO $do$
BEGIN
    IF NOT disclosures_is_spread() THEN
        CREATE OR REPLACE TRIGGER disclosures_note_notices AFTER INSERT ON disclosures_delayednotice
            REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION disclosures_note_notices();
        CREATE OR REPLACE TRIGGER disclosures_notice_is_kept AFTER INSERT ON disclosures_delayednotice FOR EACH ROW
            EXECUTE FUNCTION disclosures_notice_is_kept();
    END IF;
END $do$;

-- Where it is spread no plan can be kept that does not know whose rows are asked for: until this transaction ends.
CREATE OR REPLACE FUNCTION disclosures_plan_anew() RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF disclosures_is_spread() THEN
        PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
    END IF;
END $$;
-- Where the ledger is spread, no trigger can note what follows from a notice, or from a judgement that changed: its
-- writer does, by these two. Elsewhere they do nothing.
CREATE OR REPLACE FUNCTION disclosures_keep_notices(lines bigint[], ids uuid[], untils timestamptz[], refs text[])
RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF disclosures_is_spread() THEN
        INSERT INTO consent_tightening (kind, line_id, said, at)
        SELECT 'notice', line, jsonb_build_object('disclosure_id', id, 'suppressed_until', until, 'order_ref', ref),
            clock_timestamp()
        FROM unnest(lines, ids, untils, refs) AS put (line, id, until, ref);
    END IF;
END $$;
CREATE OR REPLACE FUNCTION disclosures_note_days(lines bigint[], moments timestamptz[]) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    longs bigint[];
    zones varchar[];
BEGIN
    IF lines IS NULL OR NOT disclosures_is_spread() THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    SELECT array_agg(line_id), array_agg(zone) INTO longs, zones FROM disclosures_longline
    WHERE line_id = ANY (lines);
    IF longs IS NOT NULL THEN
        INSERT INTO disclosures_changedday (line_id, day)
        SELECT DISTINCT changed.line, (changed.moment AT TIME ZONE long.zone)::date
        FROM unnest(lines, moments) AS changed (line, moment)
            JOIN unnest(longs, zones) AS long (line, zone) ON long.line = changed.line;
    END IF;
END $$;

-- How long a release of a dropped month stays after its order, so that its person can see it.
CREATE OR REPLACE FUNCTION disclosures_shown_after_order() RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT interval '30 days';
END;
