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
