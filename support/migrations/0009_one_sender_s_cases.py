"""Cases that are about no line go on as one where both came of what happened here, or of mail from one address.

Waiting for the person ends on a date: it is where the date of what waits is now.
"""

from django.db import migrations, models

FUNCTION = """
CREATE OR REPLACE FUNCTION support_ticket_merges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM support_ticket other WHERE other.id = NEW.merged_into_id
            AND (other.line_id, other.asked_by_id) IS NOT DISTINCT FROM (NEW.line_id, NEW.asked_by_id){more}
    ) THEN
        RAISE EXCEPTION 'ticket % goes on as one of somebody else', NEW.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_merges';
    END IF;
    RETURN NEW;
END $$;
"""
SENDER = """
            AND (NEW.line_id IS NOT NULL
                OR substring(other.key FROM '^mail:[^:]*:') IS NOT DISTINCT FROM substring(NEW.key FROM '^mail:[^:]*:'))"""
WAITS = """
UPDATE support_ticket SET due_at = last_at + interval '14 days'
WHERE state = 'waiting' AND due_at < last_at + interval '14 days';
"""


class Migration(migrations.Migration):
    dependencies = [("support", "0008_one_person_s_cases")]

    operations = [
        migrations.RunSQL(FUNCTION.format(more=SENDER), FUNCTION.format(more="")),
        # The index of cases by whom they belong to begins with nobody's, in the same order.
        migrations.RemoveIndex(model_name="ticket", name="support_ticket_next"),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "waiting", "partner"]), ("escalated_at__isnull", False)),
                fields=["due_at", "id"],
                name="support_ticket_handed_up",
            ),
        ),
        migrations.RunSQL(WAITS, migrations.RunSQL.noop),
    ]
