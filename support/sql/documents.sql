-- Its seal alone is made anew, by the newest key.
CREATE OR REPLACE TRIGGER support_document_append_only BEFORE UPDATE ON support_document FOR EACH ROW
    WHEN (to_jsonb(NEW) - 'pdf_sealed' IS DISTINCT FROM to_jsonb(OLD) - 'pdf_sealed')
    EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_document_kept BEFORE DELETE ON support_document
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER support_document_no_truncate BEFORE TRUNCATE ON support_document
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
