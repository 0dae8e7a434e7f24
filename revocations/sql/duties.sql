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
