CREATE OR REPLACE TRIGGER support_ticket_kept BEFORE DELETE ON support_ticket
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_entry_append_only BEFORE UPDATE OR DELETE ON support_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_entry_no_truncate BEFORE TRUNCATE ON support_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE OR REPLACE TRIGGER support_suspendrequest_begins BEFORE INSERT ON support_suspendrequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": "", "decided_by": "", "decided_at": null, "decision_reason": ""}');
CREATE OR REPLACE TRIGGER support_suspendrequest_decided_once BEFORE UPDATE ON support_suspendrequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": ""}', 'decision', 'decided_by', 'decided_at', 'decision_reason');
CREATE OR REPLACE TRIGGER support_reveal_begins BEFORE INSERT ON support_reveal FOR EACH ROW
    WHEN (NEW.two_needed OR NEW.second_id IS NOT NULL OR NEW.agreed_at IS NOT NULL)
    EXECUTE FUNCTION audit_decide_by_transition('{"second_id": null, "agreed_at": null, "until": null}');
CREATE OR REPLACE TRIGGER support_reveal_agreed_once BEFORE UPDATE ON support_reveal FOR EACH ROW
    WHEN (OLD.until IS NULL OR NEW.until IS NULL OR NEW.until > OLD.until OR (NEW.user_id, NEW.line_id, NEW.two_needed, NEW.second_id, NEW.agreed_at)
        IS DISTINCT FROM (OLD.user_id, OLD.line_id, OLD.two_needed, OLD.second_id, OLD.agreed_at))
    EXECUTE FUNCTION audit_decide_by_transition('{"until": null}', 'second_id', 'agreed_at', 'until');
CREATE OR REPLACE TRIGGER support_protectedline_begins BEFORE INSERT ON support_protectedline FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"ended_at": null}');
CREATE OR REPLACE TRIGGER support_protectedline_ended_once BEFORE UPDATE ON support_protectedline FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"ended_at": null}', 'ended_at', 'ended_by');

CREATE OR REPLACE FUNCTION support_protection_two_officers() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    agreed uuid;
BEGIN
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'end_protection' AND p.of = 'protection' AND p.target_id = OLD.id AND p.decision = 'agreed'
            AND p.spent_at IS NULL AND p.decided_by = NEW.ended_by
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'to end the protection of a line needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER support_protectedline_two_officers BEFORE UPDATE ON support_protectedline FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION support_protection_two_officers();
