CREATE OR REPLACE TRIGGER consent_choice_append_only BEFORE UPDATE OR DELETE ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_choice_no_truncate BEFORE TRUNCATE ON consent_choice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_approval_append_only BEFORE UPDATE OR DELETE ON consent_approval
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_approval_no_truncate BEFORE TRUNCATE ON consent_approval
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_choiceorder_append_only BEFORE UPDATE OR DELETE ON consent_choiceorder
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_choiceorder_no_truncate BEFORE TRUNCATE ON consent_choiceorder
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_choicereceipt_append_only BEFORE UPDATE OR DELETE ON consent_choicereceipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_notice_append_only BEFORE UPDATE OR DELETE ON consent_notice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_ask_kept BEFORE DELETE ON consent_ask
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_linegate_kept BEFORE DELETE ON consent_linegate
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_linegate_no_truncate BEFORE TRUNCATE ON consent_linegate
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_choicereceipt_no_truncate BEFORE TRUNCATE ON consent_choicereceipt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_setaside_append_only BEFORE UPDATE OR DELETE ON consent_setaside
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER consent_setaside_no_truncate BEFORE TRUNCATE ON consent_setaside
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE OR REPLACE TRIGGER consent_ask_begins BEFORE INSERT ON consent_ask FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "choice_id": null}');

CREATE OR REPLACE FUNCTION consent_ask_answered_once() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
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
CREATE OR REPLACE TRIGGER consent_ask_answered_once BEFORE UPDATE ON consent_ask
    FOR EACH ROW EXECUTE FUNCTION consent_ask_answered_once();

-- What was agreed stays what was agreed: a change is a new campaign. What waits for its line was agreed as well.
CREATE OR REPLACE FUNCTION consent_campaign_frozen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.ref, NEW.contract_id, NEW.lbs_provider_id, NEW.purpose, NEW.scope, NEW.precision_m, NEW.consent_flow,
        NEW.description, NEW.lifeline, NEW.family_tracking) IS DISTINCT FROM (OLD.ref, OLD.contract_id,
        OLD.lbs_provider_id, OLD.purpose, OLD.scope, OLD.precision_m, OLD.consent_flow, OLD.description, OLD.lifeline,
        OLD.family_tracking)
        AND (EXISTS (SELECT FROM consent_approval WHERE campaign = OLD.ref)
            OR EXISTS (SELECT FROM consent_choice WHERE kind = 'allow' AND ref = OLD.ref)
            OR EXISTS (SELECT FROM consent_heldrow WHERE campaign = OLD.ref))
    THEN
        RAISE EXCEPTION 'campaign % is frozen: somebody agreed to it as it is', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_campaign_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER consent_campaign_frozen BEFORE UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION consent_campaign_frozen();

CREATE OR REPLACE FUNCTION consent_held_choice_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF OLD.choice_id IS NOT NULL AND NOT EXISTS (SELECT FROM consent_choice WHERE id = OLD.choice_id) THEN
        RAISE EXCEPTION 'a choice that waits is removed only once it is in the ledger'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_held_choice_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER consent_held_choice_stays BEFORE DELETE ON consent_heldrow
    FOR EACH ROW EXECUTE FUNCTION consent_held_choice_stays();

CREATE OR REPLACE FUNCTION consent_choice_has_its_receipt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM consent_choicereceipt r WHERE r.line_id = NEW.line_id AND r.choice_id = NEW.id) THEN
        RAISE EXCEPTION 'choice % has no receipt', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_has_its_receipt';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS consent_choice_has_its_receipt ON consent_choice;
CREATE CONSTRAINT TRIGGER consent_choice_has_its_receipt AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'person')
    EXECUTE FUNCTION consent_choice_has_its_receipt();
DROP TRIGGER IF EXISTS consent_our_stop_has_its_receipt ON consent_choice;
CREATE CONSTRAINT TRIGGER consent_our_stop_has_its_receipt AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'system')
    EXECUTE FUNCTION consent_choice_has_its_receipt();
