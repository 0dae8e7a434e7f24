CREATE OR REPLACE FUNCTION partners_suspension_lift() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.of, NEW.target_id, NEW.automatic, NEW.starts_at, NEW.reason, NEW.actor)
        IS DISTINCT FROM (OLD.of, OLD.target_id, OLD.automatic, OLD.starts_at, OLD.reason, OLD.actor)
        OR (OLD.ends_at IS NOT NULL AND (NEW.ends_at IS NULL OR NEW.ends_at <> OLD.ends_at))
    THEN
        RAISE EXCEPTION 'a suspension is lifted or left as it is'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_suspension_lift';
    END IF;
    IF NEW.ends_at IS NOT NULL AND OLD.ends_at IS NULL
        AND NOT partners_agreed(NEW.lifted_by_id, 'lift_suspension', OLD.of, OLD.target_id)
    THEN
        RAISE EXCEPTION 'lifting a suspension needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_suspension_lift';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_suspension_lift BEFORE UPDATE ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION partners_suspension_lift();

-- A lift ends what ran when it was proposed, all of it at one moment; what began since was before nobody's eyes.
CREATE OR REPLACE FUNCTION partners_lift_of_its_own() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM partners_proposal p WHERE p.id = NEW.lifted_by_id AND p.proposed_at >= OLD.starts_at)
        OR EXISTS (SELECT FROM partners_suspension other WHERE other.lifted_by_id = NEW.lifted_by_id
            AND other.id <> OLD.id AND other.ends_at <> NEW.ends_at)
    THEN
        RAISE EXCEPTION 'the officers agreed to lift another suspension'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_suspension_lift_of_its_own BEFORE UPDATE ON partners_suspension FOR EACH ROW
    WHEN (NEW.ends_at IS NOT NULL AND OLD.ends_at IS NULL) EXECUTE FUNCTION partners_lift_of_its_own();
