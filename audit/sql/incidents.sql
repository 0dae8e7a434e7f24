CREATE OR REPLACE FUNCTION audit_incident_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE seen text := CASE WHEN NEW.count > OLD.count THEN 'counted' ELSE 'fewer' END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'opened', NEW.count);
    ELSIF OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.closed_at, 'closed', NEW.count);
    ELSIF OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'reopened', NEW.count);
    ELSIF NEW.renewed_at IS DISTINCT FROM OLD.renewed_at AND NEW.renewed_at IS NOT NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.renewed_at, 'renewed', NEW.count);
    ELSIF NEW.count <> OLD.count AND NOT EXISTS (
        SELECT FROM audit_incidentstep
        WHERE incident_id = NEW.id AND what = seen AND at > audit_now() - interval '1 minute'
    ) THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, audit_now(), seen, NEW.count);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER audit_incident_steps AFTER INSERT OR UPDATE ON audit_incident
    FOR EACH ROW EXECUTE FUNCTION audit_incident_steps();
