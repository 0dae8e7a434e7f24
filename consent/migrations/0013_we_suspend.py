"""A stop of ours, for what a company did on a line: as new as any choice, with its receipt, and never anything else."""

from django.db import migrations, models
from django.db.models import Q

OURS = """
CREATE FUNCTION consent_our_stop_is_newest() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM consent_linegate g WHERE g.line_id = NEW.line_id AND NEW.made_at <= g.newest_at) THEN
        RAISE EXCEPTION 'a choice must be newer than the line''s newest'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_newer_than_newest';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_our_stop_is_newest BEFORE INSERT ON consent_choice
    FOR EACH ROW WHEN (NEW.origin = 'system') EXECUTE FUNCTION consent_our_stop_is_newest();
CREATE CONSTRAINT TRIGGER consent_our_stop_has_its_receipt AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'system')
    EXECUTE FUNCTION consent_choice_has_its_receipt();
"""
UNDO = """
DROP TRIGGER consent_our_stop_has_its_receipt ON consent_choice;
DROP FUNCTION consent_our_stop_is_newest CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0012_findings")]
    operations = [
        migrations.AlterField(
            model_name="choice",
            name="origin",
            field=models.CharField(
                choices=[
                    ("person", "The person"),
                    ("file", "A carrier file"),
                    ("system", "This portal, after what a company did"),
                ],
                max_length=6,
            ),
        ),
        migrations.AddConstraint(
            model_name="choice",
            constraint=models.CheckConstraint(
                condition=~Q(origin="system") | Q(kind="stop", scope="party"), name="consent_choice_we_only_suspend"
            ),
        ),
        migrations.AddIndex(
            model_name="choice",
            index=models.Index(
                fields=["recorded_at"], condition=Q(reason="never_agreed"), name="consent_choice_disputes"
            ),
        ),
        migrations.RunSQL(OURS, UNDO),
    ]
