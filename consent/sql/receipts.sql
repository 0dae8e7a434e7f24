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
