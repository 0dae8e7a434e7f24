-- A file that loosens is imported only by a proposal on which two officers agreed; their yes counts once.
CREATE OR REPLACE FUNCTION disclosures_upload_two_officers() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT partners_agreed(NEW.agreed_by_id, 'import_file', 'import', NEW.id) OR NOT partners_spend(NEW.agreed_by_id) THEN
        RAISE EXCEPTION 'this file is imported when two officers agree'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_upload_two_officers BEFORE UPDATE ON disclosures_upload FOR EACH ROW
    WHEN (NEW.loosens AND NEW.state IN ('agreed', 'imported') AND OLD.state NOT IN ('agreed', 'imported'))
    EXECUTE FUNCTION disclosures_upload_two_officers();
CREATE OR REPLACE TRIGGER disclosures_upload_begins BEFORE INSERT ON disclosures_upload FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"state": "waiting", "decided_at": null, "agreed_by_id": null}');
CREATE OR REPLACE TRIGGER disclosures_upload_decided_once BEFORE UPDATE ON disclosures_upload FOR EACH ROW
    WHEN (OLD.decided_at IS NOT NULL AND (NEW.agreed_by_id, NEW.decided_by, NEW.decided_at, NEW.digest, NEW.feed)
        IS DISTINCT FROM (OLD.agreed_by_id, OLD.decided_by, OLD.decided_at, OLD.digest, OLD.feed))
    EXECUTE FUNCTION audit_refuse_change();
