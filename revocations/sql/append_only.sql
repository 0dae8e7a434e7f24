CREATE OR REPLACE TRIGGER revocations_order_no_truncate BEFORE TRUNCATE ON revocations_order
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_attempt_append_only BEFORE UPDATE OR DELETE ON revocations_attempt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_receipt_append_only BEFORE UPDATE OR DELETE ON revocations_receipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_streamattempt_append_only BEFORE UPDATE OR DELETE ON revocations_streamattempt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_cohortreceipt_append_only BEFORE UPDATE OR DELETE ON revocations_cohortreceipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_manifestshard_append_only BEFORE UPDATE OR DELETE ON revocations_manifestshard
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_cohort_kept BEFORE DELETE ON revocations_cohort
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_breach_kept BEFORE DELETE ON revocations_breach
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_streamevent_kept BEFORE DELETE ON revocations_streamevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_event_no_truncate BEFORE TRUNCATE ON revocations_streamevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_attempt_no_truncate BEFORE TRUNCATE ON revocations_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_receipt_no_truncate BEFORE TRUNCATE ON revocations_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_duty_kept BEFORE DELETE ON revocations_duty
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER revocations_duty_no_truncate BEFORE TRUNCATE ON revocations_duty
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
