CREATE OR REPLACE TRIGGER support_ticket_kept BEFORE DELETE ON support_ticket
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_entry_append_only BEFORE UPDATE OR DELETE ON support_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_entry_no_truncate BEFORE TRUNCATE ON support_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
