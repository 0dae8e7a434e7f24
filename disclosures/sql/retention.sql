-- Make a month's partition, with what lies of it in the default partition. That one stands apart meanwhile: its rows
-- are moved, and on a table of its own no guard refuses that.
CREATE OR REPLACE FUNCTION disclosures_make_partition(month date) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    partition text := 'disclosures_disclosure_' || to_char(month, 'YYYY_MM');
    starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    made text := format('CREATE TABLE %I PARTITION OF disclosures_release FOR VALUES FROM (%L) TO (%L)', partition,
        starts, ends);
BEGIN
    SET LOCAL citus.enable_unsafe_triggers = on;  -- where the ledger is spread, a month gets its guards too
    PERFORM 1 FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends LIMIT 1;
    IF NOT FOUND THEN
        EXECUTE made;
        RETURN;
    END IF;
    ALTER TABLE disclosures_release DETACH PARTITION disclosures_disclosure_default;
    EXECUTE made;
    INSERT INTO disclosures_release
    SELECT * FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends;
    DELETE FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends;
    ALTER TABLE disclosures_release ATTACH PARTITION disclosures_disclosure_default DEFAULT;
END $$;

-- Make the partition of each month (UTC) from `since` to `until` that is not there yet, and of each month of which rows
-- lie in the default partition, but for those that outlast a dropped month. For the owner of the tables. Returns how
-- many it made.
CREATE OR REPLACE FUNCTION disclosures_make_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    month date;
    made integer := 0;
    gone date[] := ARRAY(SELECT dropped.month FROM disclosures_droppedmonth dropped);
    kept uuid[] := ARRAY(SELECT disclosures_outlasting('-infinity', (
        SELECT (max(dropped.month) + interval '1 month') AT TIME ZONE 'UTC' FROM disclosures_droppedmonth dropped)));
    loose date[];
BEGIN
    SELECT array_agg(DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date) INTO loose
    FROM disclosures_disclosure_default
    WHERE NOT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date = ANY (gone) OR NOT id = ANY (kept);
    FOR month IN
        SELECT step::date FROM generate_series(
            date_trunc('month', since AT TIME ZONE 'UTC'), until AT TIME ZONE 'UTC', interval '1 month') AS step
        UNION
        SELECT unnest(loose)
        ORDER BY 1
    LOOP
        IF to_regclass('public.disclosures_disclosure_' || to_char(month, 'YYYY_MM')) IS NULL THEN
            PERFORM disclosures_make_partition(month);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION disclosures_kept_from() RETURNS timestamptz LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    months date[];
    gone date[] := ARRAY(SELECT dropped.month FROM disclosures_droppedmonth dropped);
    month date;
    day timestamptz;
    ends timestamptz := '-infinity';
    oldest timestamptz;
    loose timestamptz;
    earliest timestamptz;
BEGIN
    SELECT coalesce(array_agg(to_date(right(c.relname, 7), 'YYYY_MM') ORDER BY c.relname), '{}') INTO months
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = 'disclosures_release'::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$';
    -- What has no month's partition, between them, before and after.
    FOREACH day IN ARRAY ARRAY(SELECT one::timestamp AT TIME ZONE 'UTC' FROM unnest(months) AS one)
        || 'infinity'::timestamptz LOOP
        IF ends < day THEN
            SELECT min(occurred_at) INTO earliest FROM disclosures_release
            WHERE occurred_at >= ends AND occurred_at < day
                AND NOT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date = ANY (gone);
            loose := least(loose, earliest);
        END IF;
        ends := ((day AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    END LOOP;
    FOREACH month IN ARRAY months LOOP
        PERFORM 1 FROM disclosures_release
        WHERE occurred_at >= month::timestamp AT TIME ZONE 'UTC'
            AND occurred_at < (month + interval '1 month') AT TIME ZONE 'UTC' LIMIT 1;
        CONTINUE WHEN NOT FOUND;
        FOR day IN
            SELECT step AT TIME ZONE 'UTC'
            FROM generate_series(month::timestamp, month + interval '1 month' - interval '1 day', interval '1 day')
                AS step
        LOOP
            SELECT min(occurred_at) INTO oldest FROM disclosures_release
            WHERE occurred_at >= day AND occurred_at < day + interval '24 hours';
            IF oldest IS NOT NULL THEN
                RETURN least(oldest, loose);
            END IF;
        END LOOP;
    END LOOP;
    RETURN loose;
END $$;

-- Which releases from `starts` to `ends` are not dropped: those that an order hides, and those that one hid not so long
-- ago. An order that was over when its row came, with it, hid nothing; one that is lifted with a moment long past hid up
-- to the lifting.
CREATE OR REPLACE FUNCTION disclosures_outlasting(starts timestamptz, ends timestamptz) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    lifted timestamptz := audit_now() - disclosures_shown_after_order();
BEGIN
    RETURN QUERY
    WITH hiding AS MATERIALIZED (
        SELECT n.line_id, n.disclosure_id FROM disclosures_delayednotice n
        WHERE (n.suppressed_until IS NULL
            OR CASE WHEN n.number = 1 THEN n.suppressed_until ELSE greatest(n.suppressed_until, n.recorded_at) END
                > lifted)
            AND NOT EXISTS (
                SELECT FROM disclosures_delayednotice newer
                WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)
    )
    SELECT hiding.disclosure_id FROM hiding JOIN disclosures_disclosureregister known
        ON known.id = hiding.disclosure_id AND known.line_id = hiding.line_id
    WHERE known.occurred_at >= starts AND known.occurred_at < ends;
END $$;

-- Drop a month of disclosures with the rows that speak of them. For the owner of the tables; the oldest month first.
-- What outlasts it goes to the default partition, with all that speaks of it. No rollup is made meanwhile: one that
-- began before would outlive what it counted.
CREATE OR REPLACE FUNCTION disclosures_drop_month(month date) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    partition text := 'disclosures_disclosure_' || to_char(month, 'YYYY_MM');
    starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    kept uuid[];
    lines bigint[];
    moments timestamptz[];
    spoken_of text;
BEGIN
    IF ends > audit_now() - interval '12 months' THEN
        RAISE EXCEPTION 'what was released in % must be kept: a year has not passed', to_char(month, 'YYYY-MM')
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_kept_a_year';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('disclosures.rolling'));
    SET LOCAL citus.propagate_set_commands = 'local';  -- to every server: each asks for itself
    SET LOCAL disclosures.dropping = 'yes';
    kept := ARRAY(SELECT disclosures_outlasting(starts, ends));
    FOREACH spoken_of IN ARRAY ARRAY['disclosures_judgementchange', 'disclosures_delayednotice'] LOOP
        EXECUTE format('DELETE FROM %I one USING %I d
            WHERE one.line_id = d.line_id AND one.disclosure_id = d.id AND d.id <> ALL ($1)', spoken_of, partition)
            USING kept;
    END LOOP;
    EXECUTE format('DELETE FROM disclosures_concealeddisclosure one USING %I d
        WHERE one.id = d.id AND one.line_id = d.line_id AND d.id <> ALL ($1)', partition) USING kept;
    DELETE FROM disclosures_dailyrollup rolled USING disclosures_longline long
    WHERE long.line_id = rolled.line_id AND (rolled.day + 1)::timestamp AT TIME ZONE long.zone <= ends;
    DELETE FROM disclosures_changedday changed USING disclosures_longline long
    WHERE long.line_id = changed.line_id AND (changed.day + 1)::timestamp AT TIME ZONE long.zone <= ends;
    DELETE FROM disclosures_rolledfacts facts WHERE NOT EXISTS (
        SELECT FROM disclosures_dailyrollup rolled WHERE rolled.line_id = facts.line_id AND rolled.facts = facts.key);
    -- Of the day in which the month ends by the line's own clock a part stays: it is counted again.
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT rolled.line_id, rolled.day FROM disclosures_longline long
        JOIN disclosures_dailyrollup rolled
            ON rolled.line_id = long.line_id AND rolled.day = (ends AT TIME ZONE long.zone)::date
    GROUP BY rolled.line_id, rolled.day;
    -- From here on the table is ours alone. What an order hid since it was asked outlasts the month too; each is looked
    -- up by its key, so that nobody waits while a month is read.
    EXECUTE format('ALTER TABLE disclosures_release DETACH PARTITION %I', partition);
    kept := ARRAY(SELECT disclosures_outlasting(starts, ends));
    SELECT array_agg(line_id), array_agg(occurred_at) INTO lines, moments FROM disclosures_disclosureregister
    WHERE id = ANY (kept);
    EXECUTE format('INSERT INTO disclosures_release
        SELECT d.* FROM %I d WHERE d.line_id = ANY ($1) AND d.occurred_at = ANY ($2) AND d.id = ANY ($3)', partition)
        USING lines, moments, kept;
    EXECUTE format('DROP TABLE %I', partition);
    -- The days of what outlasts months, this one and those before, are read from its rows until they are counted.
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT d.line_id, (d.occurred_at AT TIME ZONE long.zone)::date
    FROM disclosures_disclosure_default d JOIN disclosures_longline long ON long.line_id = d.line_id
    WHERE d.occurred_at < ends;
    INSERT INTO disclosures_droppedmonth (month, dropped_at) VALUES (month, audit_now())
    ON CONFLICT ON CONSTRAINT disclosures_droppedmonth_pkey DO UPDATE
    SET dropped_at = excluded.dropped_at, forgotten_at = NULL;
    SET LOCAL disclosures.dropping = '';
END $$;

-- How many blocks a table has, on all servers together.
CREATE OR REPLACE FUNCTION disclosures_blocks_of(name text) RETURNS bigint LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    size bigint := pg_relation_size(name::regclass);
BEGIN
    IF disclosures_is_spread() THEN
        EXECUTE 'SELECT coalesce(pg_catalog.citus_relation_size(logicalrelid), 0) FROM pg_dist_partition
            WHERE logicalrelid = $1' INTO size USING name::regclass;
        size := coalesce(size, pg_relation_size(name::regclass));
    END IF;
    RETURN size / current_setting('block_size')::bigint;
END $$;
