CREATE OR REPLACE FUNCTION support_ticket_asker() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'who asked in ticket % stays', OLD.code
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_asker_stays';
END $$;
CREATE OR REPLACE TRIGGER support_ticket_asker BEFORE UPDATE ON support_ticket
    FOR EACH ROW WHEN (NEW.asked_by_id IS DISTINCT FROM OLD.asked_by_id) EXECUTE FUNCTION support_ticket_asker();

CREATE OR REPLACE FUNCTION support_ticket_merges() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM support_ticket other WHERE other.id = NEW.merged_into_id
            AND (other.line_id, other.asked_by_id) IS NOT DISTINCT FROM (NEW.line_id, NEW.asked_by_id)
            AND (NEW.line_id IS NOT NULL
                OR substring(other.key FROM '^mail:[^:]*:') IS NOT DISTINCT FROM substring(NEW.key FROM '^mail:[^:]*:'))
    ) THEN
        RAISE EXCEPTION 'ticket % goes on as one of somebody else', NEW.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_merges';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER support_ticket_merges BEFORE INSERT OR UPDATE OF merged_into_id ON support_ticket
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION support_ticket_merges();

CREATE OR REPLACE FUNCTION support_ticket_moves() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    next constant jsonb := '{
        "open": ["waiting", "partner", "solved", "merged"],
        "waiting": ["open", "partner", "solved", "merged"],
        "partner": ["open", "waiting", "solved", "merged"],
        "solved": ["open", "closed"],
        "closed": ["open"],
        "merged": []
    }';
BEGIN
    IF NEW.state <> OLD.state AND NOT next -> OLD.state ? NEW.state THEN
        RAISE EXCEPTION 'ticket % does not go from % to %', OLD.code, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_moves';
    END IF;
    IF (NEW.code, NEW.key, NEW.opened_at) IS DISTINCT FROM (OLD.code, OLD.key, OLD.opened_at)
        OR NEW.line_id IS DISTINCT FROM OLD.line_id
    THEN
        RAISE EXCEPTION 'whose ticket % is stays as it is', OLD.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_whose_it_is';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER support_ticket_moves BEFORE UPDATE ON support_ticket
    FOR EACH ROW EXECUTE FUNCTION support_ticket_moves();
