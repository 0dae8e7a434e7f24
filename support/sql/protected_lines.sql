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
