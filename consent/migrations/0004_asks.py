"""A notice stays as it was read; a question is answered once."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER consent_notice_append_only BEFORE UPDATE OR DELETE ON consent_notice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_ask_kept BEFORE DELETE ON consent_ask
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION consent_ask_answered_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.answer <> '' OR (NEW.line_id, NEW.id, NEW.token_hash, NEW.campaign, NEW.party_id, NEW.approval_id, NEW.until,
        NEW.asked_at, NEW.expires_at) IS DISTINCT FROM (OLD.line_id, OLD.id, OLD.token_hash, OLD.campaign, OLD.party_id,
        OLD.approval_id, OLD.until, OLD.asked_at, OLD.expires_at)
    THEN
        RAISE EXCEPTION 'a question is answered once and never changed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_ask_answered_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_ask_answered_once BEFORE UPDATE ON consent_ask
    FOR EACH ROW EXECUTE FUNCTION consent_ask_answered_once();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_officers"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
