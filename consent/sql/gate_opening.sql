-- After a restore: for the owner alone.
CREATE OR REPLACE FUNCTION consent_gate_open() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_gateopening (id, incarnation, table_oid, server_started, closed_because, opened_at)
    VALUES (1, consent_incarnation(), consent_table_of_opening(), pg_postmaster_start_time(), '', clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, table_oid = excluded.table_oid,
        server_started = excluded.server_started, closed_because = '', opened_at = excluded.opened_at,
        epochs_raised_at = NULL;
END $$;

CREATE OR REPLACE FUNCTION consent_gate_close(why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE consent_gateopening SET closed_because = left(why, 500) WHERE closed_because = '';
END $$;

-- After a start of the server, by whoever has compared the database with the archive. After a restore it opens nothing.
CREATE OR REPLACE FUNCTION consent_gate_reopen() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE consent_gateopening SET server_started = pg_postmaster_start_time(), opened_at = clock_timestamp()
    WHERE incarnation = consent_incarnation() AND table_oid = consent_table_of_opening() AND closed_because = '';
    RETURN FOUND;
END $$;

-- By the cluster's manager (docs/running/high-availability), on a standby that it has made the primary and that has
-- everything that was confirmed. It opens nothing: after this a comparison with the archive may.
CREATE OR REPLACE FUNCTION consent_gate_took_over() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    was text[] := (SELECT string_to_array(incarnation, '/') FROM consent_gateopening);
    here text[] := string_to_array(consent_incarnation(), '/');
BEGIN
    -- The same files, continued: another timeline is all that a promotion changes. The next one alone: a promotion in
    -- between that nobody vouched for may have lost what this server can't know of.
    UPDATE consent_gateopening SET incarnation = consent_incarnation(), server_started = '-infinity'
    WHERE closed_because = '' AND table_oid = consent_table_of_opening()
        AND ('x' || here[2])::bit(32)::bigint = ('x' || was[2])::bit(32)::bigint + 1
        AND (here[1], here[3], here[4]) = (was[1], was[3], was[4]);
    RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION consent_gate_epochs_raised() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE consent_gateopening SET epochs_raised_at = clock_timestamp() WHERE closed_because <> '';
END $$;

-- Which life of which database this is: a new cluster, a recovery that ended, a new database and a table that was made
-- anew each give another.
CREATE OR REPLACE FUNCTION consent_incarnation() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE system text := 'unknown';
BEGIN
    -- Whoever runs the server for us may not let us ask; the rest still tells.
    IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
        SELECT system_identifier INTO system FROM pg_control_system();
    END IF;
    RETURN concat_ws('/', system,
        CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        (SELECT oid FROM pg_class WHERE relname = 'consent_gateopening' AND relnamespace = 'public'::regnamespace));
END $$;

CREATE OR REPLACE FUNCTION consent_table_of_opening() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT oid::bigint FROM pg_class WHERE relname = 'consent_gateopening' AND relnamespace = 'public'::regnamespace
$$;
