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

CREATE OR REPLACE TRIGGER revocations_evidencerequest_begins BEFORE INSERT ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "overdue_at": null}');
CREATE OR REPLACE TRIGGER revocations_evidencerequest_answered_once BEFORE UPDATE ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": ""}', 'overdue_at', 'answered_at', 'answer', 'method',
        'captured_at', 'wording', 'language', 'evidence_ref', 'answer_jti', 'token');

CREATE OR REPLACE FUNCTION revocations_duty_begins() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'a duty begins owed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_duty_begins_owed';
END $$;
CREATE OR REPLACE TRIGGER revocations_duty_begins BEFORE INSERT ON revocations_duty FOR EACH ROW
    WHEN (NEW.discharged_at IS NOT NULL) EXECUTE FUNCTION revocations_duty_begins();

-- The receipt is written before what it discharges, in the same transaction.
CREATE OR REPLACE FUNCTION revocations_duty_discharged() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM revocations_receipt r
            WHERE r.line_id = NEW.line_id AND r.jti = NEW.discharged_by AND r.status = 'completed')
        AND NOT EXISTS (SELECT FROM revocations_cohortreceipt r
            JOIN revocations_cohort c ON c.id = r.cohort_id AND c.contract_id = NEW.contract_id
            WHERE r.jti = NEW.discharged_by AND r.status = 'completed')
    THEN
        RAISE EXCEPTION 'nothing that a partner signed discharges this'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_duty_is_signed_for';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER revocations_duty_discharged BEFORE UPDATE ON revocations_duty FOR EACH ROW
    WHEN (NEW.discharged_at IS NOT NULL
        AND (NEW.discharged_at, NEW.discharged_by) IS DISTINCT FROM (OLD.discharged_at, OLD.discharged_by))
    EXECUTE FUNCTION revocations_duty_discharged();

CREATE OR REPLACE FUNCTION revocations_standing_rises() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'where a line stands at a partner is never forgotten'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_standing_is_kept';
    END IF;
    IF (NEW.line_id, NEW.contract_id) IS DISTINCT FROM (OLD.line_id, OLD.contract_id)
        OR (NEW.epoch, NEW.version) < (OLD.epoch, OLD.version)
    THEN
        RAISE EXCEPTION 'the version told to a partner does not go back'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_standing_only_rises';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER revocations_standing_rises BEFORE UPDATE OR DELETE ON revocations_standing
    FOR EACH ROW EXECUTE FUNCTION revocations_standing_rises();
