-- Whoever comes to work in the office, or back to it, or gets another role or e-mail there, by whatever way: the officers
-- who work there already are told, of each such change.
-- Nobody can take that back: the incident is opened as it is committed, and stays.
CREATE OR REPLACE FUNCTION accounts_staff_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO audit_incident (kind, key, subject, opened_at, count)
    SELECT 'staff_by_operator', format('user:%s:%s', NEW.id, gen_random_uuid()),
        format('%s:%s', NEW.role, NEW.id), audit_now(), 1
    WHERE EXISTS (SELECT FROM audit_auditevent e WHERE e.actor LIKE 'officer:%' AND e.actor <> format('officer:%s', NEW.id));
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS accounts_staff_added ON accounts_user;
CREATE CONSTRAINT TRIGGER accounts_staff_added AFTER INSERT ON accounts_user DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.role NOT IN ('subscriber', 'agent') AND NEW.is_active) EXECUTE FUNCTION accounts_staff_told();
DROP TRIGGER IF EXISTS accounts_staff_changed ON accounts_user;
CREATE CONSTRAINT TRIGGER accounts_staff_changed AFTER UPDATE ON accounts_user DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.role NOT IN ('subscriber', 'agent') AND NEW.is_active
        AND (NEW.role, NEW.is_active, NEW.email) IS DISTINCT FROM (OLD.role, OLD.is_active, OLD.email))
    EXECUTE FUNCTION accounts_staff_told();
