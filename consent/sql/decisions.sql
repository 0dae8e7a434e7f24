CREATE OR REPLACE TRIGGER consent_ask_begins BEFORE INSERT ON consent_ask FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "choice_id": null}');
