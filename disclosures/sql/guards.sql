CREATE OR REPLACE TRIGGER disclosures_disclosure_no_truncate BEFORE TRUNCATE ON disclosures_release
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_register_no_truncate BEFORE TRUNCATE ON disclosures_disclosureregister
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_change_no_truncate BEFORE TRUNCATE ON disclosures_judgementchange
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_notice_no_truncate BEFORE TRUNCATE ON disclosures_delayednotice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_anomalyrule_append_only BEFORE UPDATE OR DELETE ON disclosures_anomalyrule
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_anomalyrule_no_truncate BEFORE TRUNCATE ON disclosures_anomalyrule
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_givenback_no_truncate BEFORE TRUNCATE ON disclosures_givenback
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_term_append_only BEFORE UPDATE OR DELETE ON disclosures_term
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_term_no_truncate BEFORE TRUNCATE ON disclosures_term
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE OR REPLACE TRIGGER disclosures_held_notice_is_kept AFTER INSERT ON disclosures_heldnotice FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('notice', 'disclosure_id', 'suppressed_until', 'order_ref');
