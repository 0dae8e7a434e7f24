"""The database's clock, the guard of the ledgers, and the chain of audit events."""

from django.db import migrations

CLOCK = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of a row of % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;

-- The one clock that orders choices. A shift counts only for a session opened by the owner of the tables,
-- which the application's role never is: it can set the name, and nothing happens.
DO $do$
BEGIN
    EXECUTE format($sql$
        CREATE FUNCTION audit_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $fn$
            SELECT clock_timestamp() + CASE WHEN session_user = %L
                THEN coalesce(nullif(current_setting('whereabouts.clock_shift', true), ''), '0')::interval
                ELSE interval '0' END
        $fn$
    $sql$, session_user);
END $do$;
"""

CHAIN = """
-- 16 chains, so that one busy line does not wait for all others; a line's events are all in one chain.
INSERT INTO audit_chainhead (chain, seq, hash)
SELECT chain, 0, sha256(convert_to('whereabouts audit chain ' || chain, 'UTF8')) FROM generate_series(0, 15) AS chain;

CREATE FUNCTION audit_event_text(e audit_auditevent) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(e.chain, e.seq, (extract(epoch FROM e.at) * 1000000)::bigint,
        e.action, e.actor, e.target, e.line_id, e.reason, e.detail)::text
$$;

CREATE FUNCTION audit_event_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE head audit_chainhead;
BEGIN
    NEW.chain := (coalesce(NEW.line_id, hashtext(NEW.target)::bigint) & 15)::smallint;
    SELECT * INTO head FROM audit_chainhead WHERE chain = NEW.chain FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.prev_hash := head.hash;
    NEW.hash := sha256(head.hash || convert_to(audit_event_text(NEW), 'UTF8'));
    UPDATE audit_chainhead SET seq = NEW.seq, hash = NEW.hash WHERE chain = NEW.chain;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_event_chain BEFORE INSERT ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_event_chain();
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL(CLOCK, "DROP FUNCTION audit_now; DROP FUNCTION audit_refuse_change CASCADE"),
        migrations.RunSQL(
            CHAIN,
            "DROP FUNCTION audit_event_chain CASCADE; DROP FUNCTION audit_event_text; DELETE FROM audit_chainhead",
        ),
    ]
