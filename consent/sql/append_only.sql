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
