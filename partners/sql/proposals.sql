CREATE OR REPLACE FUNCTION partners_agreed(proposal uuid, wanted text, what text, target bigint) RETURNS boolean
LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM partners_proposal p WHERE p.id = proposal AND p.act = wanted AND p.of = what
        AND p.target_id = target AND p.decision = 'agreed' AND p.decided_by <> p.proposed_by)
$$;

CREATE OR REPLACE FUNCTION partners_is_officer(name text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM accounts_user u WHERE u.role = 'officer' AND u.is_active AND name = 'officer:' || u.id)
$$;

CREATE OR REPLACE FUNCTION partners_proposal_two_people() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (CASE NEW.decision
        WHEN '' THEN NOT partners_is_officer(NEW.proposed_by)
        WHEN 'withdrawn' THEN NEW.decided_by NOT IN (NEW.proposed_by, 'system:expiry')
        ELSE NEW.decided_by = NEW.proposed_by OR NOT partners_is_officer(NEW.decided_by) END)
    THEN
        RAISE EXCEPTION 'a proposal is one officer''s, and another officer agrees to it or declines it'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_proposal_two_people BEFORE INSERT OR UPDATE ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION partners_proposal_two_people();
