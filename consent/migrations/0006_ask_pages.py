"""Where a question's page leads back to, and the questions that wait for their text."""

from django.db import migrations, models

GUARD = """
CREATE OR REPLACE FUNCTION consent_ask_answered_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.answer <> '' OR (NEW.line_id, NEW.id, NEW.token_hash, NEW.campaign, NEW.party_id, NEW.approval_id, NEW.until,
        NEW.asked_at, NEW.expires_at, NEW.callback) IS DISTINCT FROM (OLD.line_id, OLD.id, OLD.token_hash, OLD.campaign,
        OLD.party_id, OLD.approval_id, OLD.until, OLD.asked_at, OLD.expires_at, OLD.callback)
    THEN
        RAISE EXCEPTION 'a question is answered once and never changed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_ask_answered_once';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0005_digest")]
    operations = [
        migrations.AddField(
            model_name="ask",
            name="callback",
            field=models.CharField(blank=True, db_default="", default="", max_length=1000),
        ),
        migrations.AddIndex(
            model_name="ask",
            index=models.Index(
                fields=["expires_at"],
                condition=models.Q(answer="", approval_id__isnull=False, texted_at__isnull=True),
                name="consent_ask_waiting",
            ),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
