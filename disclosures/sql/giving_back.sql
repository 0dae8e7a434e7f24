-- Give rows of a shortened period back: out of their line, with all that hangs on them. They must stand among the held
-- ones already, by that number, and their moments outside of every period in which it is the line's. `own`: those of
-- them whose first order came with the row itself, and comes with it again. Everything up to `through` and the row
-- `last` was looked at; `through` null: all there is.
CREATE OR REPLACE FUNCTION disclosures_give_back(work bigint, ids uuid[], own uuid[], through timestamptz, last uuid)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    period disclosures_shortenedperiod;
    n integer;
BEGIN
    SELECT * INTO period FROM disclosures_shortenedperiod WHERE id = work FOR UPDATE;
    WITH known AS MATERIALIZED (
        SELECT id, line_id, occurred_at FROM disclosures_disclosureregister WHERE id = ANY (ids)
    )
    SELECT count(*) INTO n FROM known
        JOIN disclosures_helddisclosure held ON held.id = known.id AND held.msisdn_hash = period.msisdn_hash
    WHERE known.line_id = period.line_id AND known.occurred_at >= period.since
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
        SET LOCAL citus.propagate_set_commands = 'local';  -- to every server: each asks for itself
        SET LOCAL disclosures.giving_back = 'yes';
        SET LOCAL disclosures.dropping = 'yes';
        PERFORM disclosures_take_out(period.line_id, ids, own);
        SET LOCAL disclosures.giving_back = '';
        SET LOCAL disclosures.dropping = '';
    END IF;
    IF through IS NULL THEN
        DELETE FROM disclosures_shortenedperiod WHERE id = work;
    ELSE
        UPDATE disclosures_shortenedperiod SET since = through, after = last WHERE id = work;
    END IF;
    RETURN n;
END $$;

-- Whether a line has rows in a shortened period after the one that was looked at last. A function: where the ledger is
-- spread, no statement asks it of each of many rows that stand here.
CREATE OR REPLACE FUNCTION disclosures_is_left(line bigint, since timestamptz, last uuid, until timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM disclosures_release r
        WHERE r.line_id = line AND r.occurred_at >= since AND (r.occurred_at, r.id) > (since, last)
            AND (until IS NULL OR r.occurred_at < until));
END $$;

-- Of no use to anybody else: only within the function above may rows be taken out.
CREATE OR REPLACE FUNCTION disclosures_take_out(line bigint, ids uuid[], own uuid[]) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    moments timestamptz[];
    hidden uuid[];
    there uuid[];
    its_zone varchar;
BEGIN
    SELECT array_agg(occurred_at) INTO moments FROM disclosures_disclosureregister WHERE id = ANY (ids);
    -- As every change of a long line's day (`disclosures_note_rejudged`).
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    SELECT zone INTO its_zone FROM disclosures_longline WHERE line_id = line;
    IF FOUND THEN
        INSERT INTO disclosures_changedday (line_id, day)
        SELECT DISTINCT line, (moment AT TIME ZONE its_zone)::date FROM unnest(moments) AS moment;
    END IF;
    SELECT coalesce(array_agg(id), '{}') INTO hidden FROM disclosures_concealeddisclosure
    WHERE line_id = line AND id = ANY (ids);
    CREATE TEMPORARY TABLE taken ON COMMIT DROP AS
    SELECT d.id, d.occurred_at, d.aggregator, d.path, d.basis, d.outcome, d.basis_doubtful
    FROM disclosures_disclosure d WHERE d.line_id = line AND d.occurred_at = ANY (moments) AND d.id = ANY (ids);

    INSERT INTO disclosures_givenback (line_id, disclosure_id, occurred_at, given_back_at, why, doubted)
    SELECT line, taken.id, taken.occurred_at, audit_now(),
        CASE WHEN EXISTS (
            SELECT FROM accounts_linenumber other
            WHERE other.line_id = line AND other.starts_at <= taken.occurred_at
                AND (other.ends_at IS NULL OR taken.occurred_at < other.ends_at)
        ) THEN 'number' ELSE 'ended' END,
        CASE WHEN taken.basis_doubtful AND NOT taken.id = ANY (hidden) THEN ARRAY(
            SELECT p.uri FROM partners_party p
            WHERE p.uri = ANY (taken.path) AND p.kind IN ('lbs_provider', 'end_customer') ORDER BY 1
        ) ELSE '{}' END
    FROM taken ORDER BY taken.occurred_at, taken.id;

    INSERT INTO disclosures_heldnotice (disclosure_id, number, suppressed_until, order_ref, recorded_at)
    SELECT n.disclosure_id, n.number - (n.disclosure_id = ANY (own))::integer, n.suppressed_until, n.order_ref,
        n.recorded_at
    FROM disclosures_delayednotice n
    WHERE n.line_id = line AND n.disclosure_id = ANY (ids) AND NOT (n.number = 1 AND n.disclosure_id = ANY (own))
    ORDER BY n.disclosure_id, n.number;

    SELECT array_agg(id) INTO there FROM taken;
    DELETE FROM taken WHERE basis <> 'approval' OR outcome <> 'released' OR id = ANY (hidden);
    IF EXISTS (SELECT FROM taken) THEN
        PERFORM disclosures_take_back_dealings(line, ids);
    END IF;
    DROP TABLE taken;

    DELETE FROM disclosures_judgementchange WHERE line_id = line AND disclosure_id = ANY (ids);
    DELETE FROM disclosures_delayednotice WHERE line_id = line AND disclosure_id = ANY (ids);
    DELETE FROM disclosures_concealeddisclosure WHERE line_id = line AND id = ANY (ids);
    DELETE FROM disclosures_release WHERE line_id = line AND occurred_at = ANY (moments) AND id = ANY (ids);
    DELETE FROM disclosures_disclosureregister WHERE id = ANY (there);
END $$;

-- What the line's dealings rest on besides the rows in `taken`: its other rows, and moments that none of these has. Of an
-- aggregator itself there may be an older one beside those behind it, from which it follows by now.
CREATE OR REPLACE FUNCTION disclosures_take_back_dealings(line bigint, ids uuid[]) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    CREATE TEMPORARY TABLE others ON COMMIT DROP AS
    SELECT d.aggregator, hop.uri AS party, min(d.occurred_at) AS first_at, max(d.occurred_at) AS last_at
    FROM disclosures_disclosure d
        CROSS JOIN LATERAL (
            SELECT DISTINCT unnest(coalesce(
                nullif(array_remove(d.path, d.aggregator), '{}'), ARRAY[d.aggregator])) AS uri) hop
    WHERE d.line_id = line AND d.basis = 'approval' AND d.outcome = 'released' AND NOT d.id = ANY (ids)
        AND NOT EXISTS (
            SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id)
    GROUP BY 1, 2;
    WITH dealt AS MATERIALIZED (
        SELECT aggregator.id AS aggregator_id, aggregator.uri AS aggregator, party.id AS party_id, party.uri AS party,
            array_agg(taken.occurred_at) AS moments
        FROM taken CROSS JOIN LATERAL (SELECT DISTINCT unnest(taken.path || taken.aggregator) AS uri) hop
            JOIN partners_party aggregator ON aggregator.uri = taken.aggregator
            JOIN partners_party party ON party.uri = hop.uri
        GROUP BY 1, 2, 3, 4
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
    DROP TABLE others;
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
