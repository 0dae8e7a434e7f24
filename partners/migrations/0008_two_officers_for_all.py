"""What two officers agreed to is done once, to what they saw; a campaign is no draft again and is not paid for less."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION partners_no_draft_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'campaign % was in force: it is no draft again', OLD.ref
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_campaign_no_draft_again BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NEW.is_draft AND NOT OLD.is_draft) EXECUTE FUNCTION partners_no_draft_again();

-- Nothing said counts as nothing paid, as where officers decide (partners.loosening.PAID).
CREATE FUNCTION partners_paid(consideration text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE consideration WHEN 'monetary' THEN 2 WHEN 'other' THEN 1 ELSE 0 END
$$;
CREATE FUNCTION partners_paid_for_less() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM partners_proposal p
        WHERE p.act = 'paid_for_less' AND p.of = 'campaign' AND p.target_id = OLD.id AND p.decision = 'agreed'
            AND p.decided_by <> p.proposed_by AND p.payload->>'consideration' = NEW.consideration)
    THEN
        RAISE EXCEPTION 'that less is paid for campaign % needs two officers', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_paid_for_less BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NOT OLD.is_draft AND partners_paid(NEW.consideration) < partners_paid(OLD.consideration))
    EXECUTE FUNCTION partners_paid_for_less();

-- A lift ends what ran when it was proposed, all of it at one moment; what began since was before nobody's eyes.
CREATE FUNCTION partners_lift_of_its_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM partners_proposal p WHERE p.id = NEW.lifted_by_id AND p.proposed_at >= OLD.starts_at)
        OR EXISTS (SELECT FROM partners_suspension other WHERE other.lifted_by_id = NEW.lifted_by_id
            AND other.id <> OLD.id AND other.ends_at <> NEW.ends_at)
    THEN
        RAISE EXCEPTION 'the officers agreed to lift another suspension'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_suspension_lift_of_its_own BEFORE UPDATE ON partners_suspension FOR EACH ROW
    WHEN (NEW.ends_at IS NOT NULL AND OLD.ends_at IS NULL) EXECUTE FUNCTION partners_lift_of_its_own();

CREATE OR REPLACE FUNCTION partners_term_only_shrinks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.is_draft AND (NEW.starts_at < OLD.starts_at
        OR NEW.ends_at > OLD.ends_at AND NOT EXISTS (
            SELECT FROM partners_proposal p
            WHERE p.act = 'extend_term' AND p.of = TG_ARGV[0] AND p.target_id = OLD.id AND p.decision = 'agreed'
                AND p.decided_by <> p.proposed_by AND (p.payload ->> 'ends_at')::timestamptz = NEW.ends_at
                AND (p.payload ->> 'was')::timestamptz = OLD.ends_at))
    THEN
        RAISE EXCEPTION 'a longer term needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_term_only_shrinks';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0007_names_stay")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
