-- The yes is to this name, key and hosts, and to what was so when it was proposed: each counts once.
CREATE OR REPLACE FUNCTION partners_agent_two_officers() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    agreed uuid;
BEGIN
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'let_agent_ask' AND p.of = 'authorized' AND p.target_id = OLD.number AND p.decision = 'agreed'
            AND p.spent_at IS NULL AND p.proposed_at >= COALESCE(OLD.changed_at, OLD.registered_at)
            AND p.decided_at <= NEW.changed_at AND p.payload ->> 'name' = NEW.name
            AND p.payload ->> 'key' = encode(NEW.verify_key, 'base64') AND p.payload -> 'hosts' = NEW.hosts
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NEW.changed_at IS NULL OR NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'to let agent % ask for people needs two officers', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_agent_two_officers BEFORE UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN ((OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL)
        OR (NEW.name, NEW.verify_key, NEW.hosts) IS DISTINCT FROM (OLD.name, OLD.verify_key, OLD.hosts))
    EXECUTE FUNCTION partners_agent_two_officers();

CREATE OR REPLACE FUNCTION partners_agent_waits() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'to let agent % ask for people needs two officers', NEW.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_agent_waits BEFORE INSERT ON partners_authorizedagent FOR EACH ROW
    WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION partners_agent_waits();
