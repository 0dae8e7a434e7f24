"""So is what else tightened: a delayed notice's is the line's, the rest of no line. Of what is there all is of none."""

from django.db import migrations, models

KEEPING = """
-- A row for each act that tightens, in its own transaction. TG_ARGV: what kind it is, then the columns that say it.
CREATE OR REPLACE FUNCTION consent_tightening_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE says jsonb;
BEGIN
    SELECT jsonb_object_agg(name, to_jsonb(NEW) -> name) INTO says FROM unnest(TG_ARGV[1:TG_NARGS - 1]) AS name;
    INSERT INTO consent_tightening (kind, line_id, said, at) VALUES (TG_ARGV[0], 0, says, clock_timestamp());
    RETURN NULL;
END $$;
"""
KEEPING_UNDO = """
CREATE OR REPLACE FUNCTION consent_tightening_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_tightening (kind, said, at)
    SELECT TG_ARGV[0], jsonb_object_agg(name, to_jsonb(NEW) -> name), clock_timestamp()
    FROM unnest(TG_ARGV[1:TG_NARGS - 1]) AS name;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0018_waits_with_its_line")]
    operations = [
        migrations.AddField(
            model_name="tightening",
            name="line_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL(KEEPING, KEEPING_UNDO),
    ]
