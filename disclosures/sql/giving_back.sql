-- Give rows of a shortened period back: out of their line, with all that hangs on them. They must stand among the held
-- ones already, by that number, and their moments outside of every period in which it is the line's. `own`: those of
-- them whose first order came with the row itself, and comes with it again. Everything up to `through` and the row
-- `last` was looked at; `through` null: all there is.
CREATE OR REPLACE FUNCTION disclosures_give_back(work bigint, ids uuid[], own uuid[], through timestamptz, last uuid)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    period disclosures_shortenedperiod;
    n integer;
BEGIN
    SELECT * INTO period FROM disclosures_shortenedperiod WHERE id = work FOR UPDATE;
    SELECT count(*) INTO n FROM disclosures_disclosureregister known
        JOIN disclosures_helddisclosure held ON held.id = known.id AND held.msisdn_hash = period.msisdn_hash
    WHERE known.id = ANY (ids) AND known.line_id = period.line_id AND known.occurred_at >= period.since
        AND (period.until IS NULL OR known.occurred_at < period.until)
        AND NOT EXISTS (
            SELECT FROM accounts_linenumber theirs
            WHERE theirs.line_id = period.line_id AND theirs.msisdn_hash = period.msisdn_hash
                AND theirs.starts_at <= known.occurred_at
                AND (theirs.ends_at IS NULL OR known.occurred_at < theirs.ends_at));
    IF period.id IS NULL OR n <> cardinality(ids) THEN
        RAISE EXCEPTION 'a row is given back only if its number was not its line''s at its moment'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_given_back_from_outside';
    END IF;
    IF n > 0 THEN
        PERFORM set_config('disclosures.giving_back', 'yes', true), set_config('disclosures.dropping', 'yes', true);
        PERFORM disclosures_take_out(period.line_id, ids, own);
        PERFORM set_config('disclosures.giving_back', '', true), set_config('disclosures.dropping', '', true);
    END IF;
    IF through IS NULL THEN
        DELETE FROM disclosures_shortenedperiod WHERE id = work;
    ELSE
        UPDATE disclosures_shortenedperiod SET since = through, after = last WHERE id = work;
    END IF;
    RETURN n;
END $$;

-- Of no use to anybody else: only within the function above may rows be taken out.
CREATE OR REPLACE FUNCTION disclosures_take_out(line bigint, ids uuid[], own uuid[]) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    taken uuid[];
BEGIN
    -- As every change of a long line's day (`disclosures_note_rejudged`).
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT known.line_id, (known.occurred_at AT TIME ZONE long.zone)::date
    FROM disclosures_disclosureregister known JOIN disclosures_longline long ON long.line_id = known.line_id
    WHERE known.id = ANY (ids);

    INSERT INTO disclosures_givenback (line_id, disclosure_id, occurred_at, given_back_at, why, doubted)
    SELECT d.line_id, d.id, d.occurred_at, audit_now(),
        CASE WHEN EXISTS (
            SELECT FROM accounts_linenumber other
            WHERE other.line_id = d.line_id AND other.starts_at <= d.occurred_at
                AND (other.ends_at IS NULL OR d.occurred_at < other.ends_at)
        ) THEN 'number' ELSE 'ended' END,
        CASE WHEN d.basis_doubtful AND NOT EXISTS (
            SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id
        ) THEN ARRAY(
            SELECT p.uri FROM partners_party p
            WHERE p.uri = ANY (d.path) AND p.kind IN ('lbs_provider', 'end_customer') ORDER BY 1
        ) ELSE '{}' END
    FROM disclosures_disclosureregister known JOIN disclosures_disclosure d
        ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
    WHERE known.id = ANY (ids) ORDER BY d.occurred_at, d.id;

    INSERT INTO disclosures_heldnotice (disclosure_id, number, suppressed_until, order_ref, recorded_at)
    SELECT n.disclosure_id, n.number - (n.disclosure_id = ANY (own))::integer, n.suppressed_until, n.order_ref,
        n.recorded_at
    FROM disclosures_delayednotice n
    WHERE n.line_id = line AND n.disclosure_id = ANY (ids) AND NOT (n.number = 1 AND n.disclosure_id = ANY (own))
    ORDER BY n.disclosure_id, n.number;

    -- What the line's dealings rest on besides: its other rows, and moments that none of these has. Of an aggregator
    -- itself there may be an older one beside those behind it, from which it follows by now.
    WITH gone AS MATERIALIZED (
        SELECT d.occurred_at, d.aggregator, d.path FROM disclosures_disclosureregister known
            JOIN disclosures_disclosure d
                ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
        WHERE known.id = ANY (ids) AND d.basis = 'approval' AND d.outcome = 'released' AND NOT EXISTS (
            SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id)
    ), dealt AS MATERIALIZED (
        SELECT aggregator.id AS aggregator_id, aggregator.uri AS aggregator, party.id AS party_id, party.uri AS party,
            array_agg(gone.occurred_at) AS moments
        FROM gone CROSS JOIN LATERAL (SELECT DISTINCT unnest(gone.path || gone.aggregator) AS uri) hop
            JOIN partners_party aggregator ON aggregator.uri = gone.aggregator
            JOIN partners_party party ON party.uri = hop.uri
        GROUP BY 1, 2, 3, 4
    ), others AS MATERIALIZED (
        SELECT d.aggregator, hop.uri AS party, min(d.occurred_at) AS first_at, max(d.occurred_at) AS last_at
        FROM disclosures_disclosure d
            CROSS JOIN LATERAL (
                SELECT DISTINCT unnest(coalesce(
                    nullif(array_remove(d.path, d.aggregator), '{}'), ARRAY[d.aggregator])) AS uri) hop
        WHERE d.line_id = line AND d.basis = 'approval' AND d.outcome = 'released' AND NOT d.id = ANY (ids)
            AND EXISTS (SELECT FROM dealt)
            AND NOT EXISTS (
                SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id)
        GROUP BY 1, 2
    ), left_over AS MATERIALIZED (
        SELECT known.aggregator_id, known.party_id, least(others.first_at, stays.first_at, stays.last_at) AS first_at,
            greatest(others.last_at, stays.first_at, stays.last_at) AS last_at
        FROM dealt JOIN partners_dealing known ON known.line_id = line
                AND known.aggregator_id = dealt.aggregator_id AND known.party_id = dealt.party_id
            CROSS JOIN LATERAL (
                SELECT CASE WHEN NOT known.first_at = ANY (dealt.moments) THEN known.first_at END AS first_at,
                    CASE WHEN NOT known.last_at = ANY (dealt.moments) THEN known.last_at END AS last_at) stays
            LEFT JOIN others ON others.aggregator = dealt.aggregator AND others.party = dealt.party
    ), forgotten AS (
        DELETE FROM partners_dealing known USING left_over
        WHERE known.line_id = line AND known.aggregator_id = left_over.aggregator_id
            AND known.party_id = left_over.party_id AND left_over.last_at IS NULL
    )
    UPDATE partners_dealing known
    SET first_at = CASE WHEN known.first_at IS NOT NULL THEN left_over.first_at END, last_at = left_over.last_at
    FROM left_over
    WHERE known.line_id = line AND known.aggregator_id = left_over.aggregator_id
        AND known.party_id = left_over.party_id AND left_over.last_at IS NOT NULL;

    DELETE FROM disclosures_judgementchange WHERE line_id = line AND disclosure_id = ANY (ids);
    DELETE FROM disclosures_delayednotice WHERE line_id = line AND disclosure_id = ANY (ids);
    DELETE FROM disclosures_concealeddisclosure WHERE line_id = line AND id = ANY (ids);
    WITH gone AS (
        DELETE FROM disclosures_release d USING disclosures_disclosureregister known
        WHERE known.id = ANY (ids) AND d.line_id = known.line_id AND d.occurred_at = known.occurred_at
            AND d.id = known.id
        RETURNING d.id
    )
    SELECT array_agg(id) INTO taken FROM gone;
    DELETE FROM disclosures_disclosureregister WHERE id = ANY (taken);
END $$;

-- Whatever shortens a period leaves a row of work in its own transaction.
CREATE OR REPLACE FUNCTION disclosures_note_shortened() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO disclosures_shortenedperiod (line_id, msisdn_hash, since, until)
    VALUES (OLD.line_id, OLD.msisdn_hash, NEW.ends_at, OLD.ends_at);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER disclosures_note_shortened AFTER UPDATE OF ends_at ON accounts_linenumber FOR EACH ROW
    WHEN (NEW.ends_at IS NOT NULL AND (OLD.ends_at IS NULL OR NEW.ends_at < OLD.ends_at))
    EXECUTE FUNCTION disclosures_note_shortened();
