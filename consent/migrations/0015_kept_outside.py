"""What is to be kept outside the database waits as rows; and the gate is closed where the database was restored."""

from django.db import migrations, models

WAITING = """
-- One row for each choice, suspension and end, in its own transaction: nothing that tightens can be forgotten.
CREATE FUNCTION consent_choice_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
    VALUES ('choice', NEW.line_id, NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER consent_choice_is_archived AFTER INSERT ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION consent_choice_is_archived();
CREATE FUNCTION consent_suspension_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, object_id, queued_at)
    VALUES ('suspension', NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER consent_suspension_is_archived AFTER INSERT ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION consent_suspension_is_archived();
CREATE FUNCTION consent_end_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, object_id, queued_at)
    VALUES ('end', NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER consent_end_is_archived AFTER INSERT ON revocations_cohort
    FOR EACH ROW EXECUTE FUNCTION consent_end_is_archived();

-- What was there before goes out too.
INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
    SELECT 'choice', line_id, id::text, recorded_at FROM consent_choice ORDER BY recorded_at;
INSERT INTO consent_unarchived (kind, object_id, queued_at)
    SELECT 'suspension', id::text, starts_at FROM partners_suspension ORDER BY id;
INSERT INTO consent_unarchived (kind, object_id, queued_at)
    SELECT 'end', id::text, recorded_at FROM revocations_cohort ORDER BY recorded_at;
"""

OPENING = """
-- Which life of which database this is: a new cluster, a recovery that ended, a new database and a table that was made
-- anew each give another.
CREATE FUNCTION consent_incarnation() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
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
CREATE FUNCTION consent_table_of_opening() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT oid::bigint FROM pg_class WHERE relname = 'consent_gateopening' AND relnamespace = 'public'::regnamespace
$$;

-- After a start of the server, by whoever has compared the database with the archive. After a restore it opens nothing.
CREATE FUNCTION consent_gate_reopen() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE consent_gateopening SET server_started = pg_postmaster_start_time(), opened_at = clock_timestamp()
    WHERE incarnation = consent_incarnation() AND table_oid = consent_table_of_opening() AND closed_because = '';
    RETURN FOUND;
END $$;
CREATE FUNCTION consent_gate_close(why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE consent_gateopening SET closed_because = left(why, 500) WHERE closed_because = '';
END $$;
CREATE FUNCTION consent_gate_epochs_raised() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE consent_gateopening SET epochs_raised_at = clock_timestamp() WHERE closed_because <> '';
END $$;

-- After a restore: for the owner alone.
CREATE FUNCTION consent_gate_open() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_gateopening (id, incarnation, table_oid, server_started, closed_because, opened_at)
    VALUES (1, consent_incarnation(), consent_table_of_opening(), pg_postmaster_start_time(), '', clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, table_oid = excluded.table_oid,
        server_started = excluded.server_started, closed_because = '', opened_at = excluded.opened_at,
        epochs_raised_at = NULL;
END $$;
REVOKE EXECUTE ON FUNCTION consent_gate_open() FROM PUBLIC;

-- A new database begins open. One that has choices is looked at first, by whoever runs first: it may be an old dump.
SELECT consent_gate_open();
UPDATE consent_gateopening SET server_started = '-infinity' WHERE EXISTS (SELECT FROM consent_choice);
"""
UNDO = """
DROP FUNCTION consent_choice_is_archived CASCADE;
DROP FUNCTION consent_suspension_is_archived CASCADE;
DROP FUNCTION consent_end_is_archived CASCADE;
DROP FUNCTION consent_gate_reopen;
DROP FUNCTION consent_gate_close;
DROP FUNCTION consent_gate_epochs_raised;
DROP FUNCTION consent_gate_open;
DROP FUNCTION consent_table_of_opening;
DROP FUNCTION consent_incarnation;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0014_privacy_signal"),
        ("partners", "0016_token_asked_at"),
        ("revocations", "0014_evidence"),
    ]
    operations = [
        migrations.CreateModel(
            name="ArchiveHead",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("day", models.CharField(max_length=10)),
                ("digest", models.CharField(max_length=64)),
                ("written_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="GateOpening",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("incarnation", models.CharField(max_length=120)),
                ("table_oid", models.BigIntegerField()),
                ("server_started", models.DateTimeField()),
                ("closed_because", models.CharField(blank=True, max_length=500)),
                ("opened_at", models.DateTimeField()),
                ("epochs_raised_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Unarchived",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("choice", "Choice"), ("suspension", "Suspension"), ("end", "End")], max_length=10
                    ),
                ),
                ("line_id", models.BigIntegerField(null=True)),
                ("object_id", models.CharField(max_length=40)),
                ("queued_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
        migrations.RunSQL(OPENING, UNDO),
    ]
