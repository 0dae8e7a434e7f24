"""A term that runs is made longer by two officers, or not at all: whoever writes the row."""

from django.db import migrations

GUARD = """
CREATE FUNCTION partners_term_only_shrinks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.is_draft AND (NEW.starts_at < OLD.starts_at
        OR NEW.ends_at > OLD.ends_at AND NOT EXISTS (
            SELECT FROM partners_proposal p
            WHERE p.act = 'extend_term' AND p.of = TG_ARGV[0] AND p.target_id = OLD.id AND p.decision = 'agreed'
                AND p.decided_by <> p.proposed_by AND (p.payload ->> 'ends_at')::timestamptz = NEW.ends_at))
    THEN
        RAISE EXCEPTION 'a longer term needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_term_only_shrinks';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_term_only_shrinks BEFORE UPDATE ON partners_contract
    FOR EACH ROW EXECUTE FUNCTION partners_term_only_shrinks('contract');
CREATE TRIGGER partners_term_only_shrinks BEFORE UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION partners_term_only_shrinks('campaign');
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0004_two_officers")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
