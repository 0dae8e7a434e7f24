"""A case goes on only as one of the same line and the same person: the database holds it, too."""

from django.db import migrations

GUARD = """
CREATE FUNCTION support_ticket_merges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM support_ticket other WHERE other.id = NEW.merged_into_id
            AND (other.line_id, other.asked_by_id) IS NOT DISTINCT FROM (NEW.line_id, NEW.asked_by_id)
    ) THEN
        RAISE EXCEPTION 'ticket % goes on as one of somebody else', NEW.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_merges';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER support_ticket_merges BEFORE INSERT OR UPDATE OF merged_into_id ON support_ticket
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION support_ticket_merges();
"""
UNGUARD = """
DROP TRIGGER support_ticket_merges ON support_ticket;
DROP FUNCTION support_ticket_merges;
"""


class Migration(migrations.Migration):
    dependencies = [("support", "0007_words_of_the_database")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
