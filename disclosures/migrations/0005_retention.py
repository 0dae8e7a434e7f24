"""Months whose time of keeping is over are dropped whole, by the owner alone, and never within a year.

The line comes into the key of what is concealed, as it is in every other table that grows with lines.
"""

from django.db import migrations, models

BY_LINE = """
ALTER TABLE disclosures_concealeddisclosure DROP CONSTRAINT disclosures_concealeddisclosure_pkey;
ALTER TABLE disclosures_concealeddisclosure
    ADD CONSTRAINT disclosures_concealeddisclosure_pkey PRIMARY KEY (line_id, id);
"""
BY_LINE_UNDO = BY_LINE.replace("(line_id, id)", "(id)")

APPEND_ONLY = """
-- Nobody changes these rows, and nobody takes one away but the owner of the tables, while a month is dropped.
CREATE FUNCTION disclosures_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('disclosures.dropping', true) = 'yes'
        AND (SELECT relowner FROM pg_class WHERE oid = TG_RELID) = current_user::regrole
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% of a row of % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
DROP TRIGGER disclosures_register_append_only ON disclosures_disclosureregister;
CREATE TRIGGER disclosures_register_append_only BEFORE UPDATE OR DELETE ON disclosures_disclosureregister
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
DROP TRIGGER disclosures_change_append_only ON disclosures_judgementchange;
CREATE TRIGGER disclosures_change_append_only BEFORE UPDATE OR DELETE ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
DROP TRIGGER disclosures_notice_append_only ON disclosures_delayednotice;
CREATE TRIGGER disclosures_notice_append_only BEFORE UPDATE OR DELETE ON disclosures_delayednotice
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
"""
APPEND_ONLY_UNDO = """
DROP FUNCTION disclosures_refuse_change CASCADE;
CREATE TRIGGER disclosures_register_append_only BEFORE UPDATE OR DELETE ON disclosures_disclosureregister
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_change_append_only BEFORE UPDATE OR DELETE ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_notice_append_only BEFORE UPDATE OR DELETE ON disclosures_delayednotice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""

MONTHS = """
-- Make a month's partition, with what lies of it in the default partition. That one stands apart meanwhile: its rows
-- are moved, and on a table of its own no guard refuses that.
CREATE FUNCTION disclosures_make_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'disclosures_disclosure_' || to_char(month, 'YYYY_MM');
    starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    made text := format('CREATE TABLE %I PARTITION OF disclosures_disclosure FOR VALUES FROM (%L) TO (%L)', partition,
        starts, ends);
BEGIN
    IF NOT EXISTS (
        SELECT FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends)
    THEN
        EXECUTE made;
        RETURN;
    END IF;
    ALTER TABLE disclosures_disclosure DETACH PARTITION disclosures_disclosure_default;
    EXECUTE made;
    INSERT INTO disclosures_disclosure
    SELECT * FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends;
    DELETE FROM disclosures_disclosure_default WHERE occurred_at >= starts AND occurred_at < ends;
    ALTER TABLE disclosures_disclosure ATTACH PARTITION disclosures_disclosure_default DEFAULT;
END $$;

-- Make the partition of each month (UTC) from `since` to `until` that is not there yet, and of each month of which rows
-- lie in the default partition. For the owner of the tables. Returns how many it made.
CREATE OR REPLACE FUNCTION disclosures_make_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month date;
    made integer := 0;
BEGIN
    FOR month IN
        SELECT step::date FROM generate_series(
            date_trunc('month', since AT TIME ZONE 'UTC'), until AT TIME ZONE 'UTC', interval '1 month') AS step
        UNION
        SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date FROM disclosures_disclosure_default
        ORDER BY 1
    LOOP
        IF to_regclass('public.disclosures_disclosure_' || to_char(month, 'YYYY_MM')) IS NULL THEN
            PERFORM disclosures_make_partition(month);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Drop a month of disclosures with the rows that speak of them. For the owner of the tables; the oldest month first.
-- No rollup is made meanwhile: one that began before would outlive what it counted.
CREATE FUNCTION disclosures_drop_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'disclosures_disclosure_' || to_char(month, 'YYYY_MM');
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    spoken_of text;
BEGIN
    IF ends > audit_now() - interval '12 months' THEN
        RAISE EXCEPTION 'what was released in % must be kept: a year has not passed', to_char(month, 'YYYY-MM')
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_kept_a_year';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('disclosures.rolling'));
    PERFORM set_config('disclosures.dropping', 'yes', true);
    FOREACH spoken_of IN ARRAY ARRAY['disclosures_judgementchange', 'disclosures_delayednotice'] LOOP
        EXECUTE format('DELETE FROM %I one USING %I d WHERE one.line_id = d.line_id AND one.disclosure_id = d.id',
            spoken_of, partition);
    END LOOP;
    EXECUTE format('DELETE FROM disclosures_concealeddisclosure one USING %I d
        WHERE one.id = d.id AND one.line_id = d.line_id', partition);
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
    EXECUTE format('DROP TABLE %I', partition);
    INSERT INTO disclosures_droppedmonth (month, dropped_at) VALUES (month, audit_now())
    ON CONFLICT ON CONSTRAINT disclosures_droppedmonth_pkey DO UPDATE
    SET dropped_at = excluded.dropped_at, forgotten_at = NULL;
    PERFORM set_config('disclosures.dropping', '', true);
END $$;
"""
MONTHS_UNDO = """
DROP FUNCTION disclosures_drop_month; DROP FUNCTION disclosures_make_partition;
CREATE OR REPLACE FUNCTION disclosures_make_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE sql AS 'SELECT 0'
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0004_rollups")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(BY_LINE, BY_LINE_UNDO)],
            state_operations=[
                migrations.DeleteModel("ConcealedDisclosure"),
                migrations.CreateModel(
                    name="ConcealedDisclosure",
                    fields=[
                        ("pk", models.CompositePrimaryKey("line_id", "id", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("line_id", models.BigIntegerField()),
                        ("id", models.UUIDField()),
                        ("occurred_at", models.DateTimeField()),
                        ("gated", models.BooleanField()),
                    ],
                ),
            ],
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_UNDO),
        migrations.RunSQL(MONTHS, MONTHS_UNDO),
    ]
