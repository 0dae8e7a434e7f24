-- What was agreed stays what was agreed: a change is a new campaign.
CREATE OR REPLACE FUNCTION consent_campaign_frozen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.ref, NEW.contract_id, NEW.lbs_provider_id, NEW.purpose, NEW.scope, NEW.precision_m, NEW.consent_flow,
        NEW.description) IS DISTINCT FROM (OLD.ref, OLD.contract_id, OLD.lbs_provider_id, OLD.purpose, OLD.scope,
        OLD.precision_m, OLD.consent_flow, OLD.description)
        AND (EXISTS (SELECT FROM consent_approval WHERE campaign = OLD.ref)
            OR EXISTS (SELECT FROM consent_choice WHERE kind = 'allow' AND ref = OLD.ref))
    THEN
        RAISE EXCEPTION 'campaign % is frozen: somebody agreed to it as it is', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_campaign_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER consent_campaign_frozen BEFORE UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION consent_campaign_frozen();
