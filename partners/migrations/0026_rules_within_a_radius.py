"""A rule of a state may prohibit only what is asked for within a radius, and only what money is paid for.

Rules that there are get neither: what they deny today they deny tomorrow.
"""

from django.db import migrations, models

# What a rule prohibits never changes; the two new columns are part of that.
NEVER_CHANGED = """
CREATE OR REPLACE FUNCTION partners_rule_relaxed() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.state, NEW.starts_at, NEW.purposes, NEW.sale_test, NEW.consideration, NEW.max_radius_m, NEW.source)
        IS DISTINCT FROM
        (OLD.state, OLD.starts_at, OLD.purposes, OLD.sale_test, OLD.consideration, OLD.max_radius_m, OLD.source)
        OR NEW.ends_at IS NOT DISTINCT FROM OLD.ends_at OR NEW.ends_at IS NULL OR OLD.ends_at IS NOT NULL
        OR NOT partners_agreed(NEW.relaxed_by_id, 'relax_rule', 'rule', OLD.id)
    THEN
        RAISE EXCEPTION 'a rule only ever ends, and that needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_rule_relaxed';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0025_drafts_can_be_discarded")]
    operations = [
        migrations.AddField(
            "jurisdictionrule",
            "consideration",
            models.CharField(
                blank=True, choices=[("", "Money or other value"), ("monetary", "Money alone")], db_default="", default="",
                max_length=10,
            ),
        ),
        migrations.AddField("jurisdictionrule", "max_radius_m", models.PositiveIntegerField(blank=True, null=True)),
        migrations.RunSQL(NEVER_CHANGED, migrations.RunSQL.noop),
    ]
