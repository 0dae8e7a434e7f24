CREATE OR REPLACE FUNCTION partners_rule_relaxed() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.state, NEW.starts_at, NEW.purposes, NEW.sale_test, NEW.consideration, NEW.max_radius_m, NEW.source)
        IS DISTINCT FROM
        (OLD.state, OLD.starts_at, OLD.purposes, OLD.sale_test, OLD.consideration, OLD.max_radius_m, OLD.source)
        OR NEW.ends_at IS NOT DISTINCT FROM OLD.ends_at OR NEW.ends_at IS NULL OR OLD.ends_at IS NOT NULL
        OR NOT partners_agreed(NEW.relaxed_by_id, 'relax_rule', 'rule', OLD.id)
        -- Until the moment that was agreed, and never for a past that was judged by it.
        OR NOT EXISTS (SELECT FROM partners_proposal p WHERE p.id = NEW.relaxed_by_id
            AND NEW.ends_at >= greatest((p.payload ->> 'ends_at')::timestamptz, p.decided_at))
    THEN
        RAISE EXCEPTION 'a rule only ever ends, and that needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_rule_relaxed';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_rule_relaxed BEFORE UPDATE ON partners_jurisdictionrule
    FOR EACH ROW EXECUTE FUNCTION partners_rule_relaxed();
