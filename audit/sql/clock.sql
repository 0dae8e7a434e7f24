-- The one clock that orders choices. A shift counts only for a session opened by the owner of the tables,
-- which the application's role never is: it can set the name, and nothing happens.
DO $do$
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION audit_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE 
            BEGIN ATOMIC
            SELECT clock_timestamp() + CASE WHEN session_user = %L
                THEN coalesce(nullif(current_setting('whereabouts.clock_shift', true), ''), '0')::interval
                ELSE interval '0' END;
            END
    $sql$, session_user);
END $do$;
