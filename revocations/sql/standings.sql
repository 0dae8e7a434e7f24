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
