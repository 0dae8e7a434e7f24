"""A draft may be taken away with its recipients. What is no draft stays, whatever code asks for."""

from django.db import migrations

DISCARD = """
CREATE OR REPLACE FUNCTION partners_reach_only_grows() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.told_apart
        AND (NEW.campaign_id, NEW.party_id) IS NOT DISTINCT FROM (OLD.campaign_id, OLD.party_id)
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM partners_campaign c WHERE c.id = OLD.campaign_id AND c.is_draft) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a company that is known behind a use stays known behind it'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE FUNCTION partners_only_drafts_go() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.is_draft THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'what was in force stays on record'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_contract_kept BEFORE DELETE ON partners_contract FOR EACH ROW
    EXECUTE FUNCTION partners_only_drafts_go();
CREATE TRIGGER partners_campaign_kept BEFORE DELETE ON partners_campaign FOR EACH ROW
    EXECUTE FUNCTION partners_only_drafts_go();

-- The cover of a campaign is the owner's to write.
CREATE FUNCTION partners_discard_draft(kind text, which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF kind = 'contract' THEN
        DELETE FROM partners_contract WHERE id = which AND is_draft;
        RETURN;
    END IF;
    DELETE FROM partners_reach WHERE campaign_id IN (SELECT id FROM partners_campaign WHERE id = which AND is_draft);
    DELETE FROM partners_cover WHERE campaign_id IN (SELECT id FROM partners_campaign WHERE id = which AND is_draft);
    DELETE FROM partners_campaign WHERE id = which AND is_draft;
END $$;
"""
UNDONE = """
DROP FUNCTION partners_discard_draft(text, bigint);
DROP TRIGGER partners_campaign_kept ON partners_campaign;
DROP TRIGGER partners_contract_kept ON partners_contract;
DROP FUNCTION partners_only_drafts_go();
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0024_end_of_protection")]
    operations = [migrations.RunSQL(DISCARD, UNDONE)]
