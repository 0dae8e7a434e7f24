CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of a row of % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_chainhead_no_truncate BEFORE TRUNCATE ON audit_chainhead
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_chainhead_kept BEFORE DELETE ON audit_chainhead
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incidentstep_append_only BEFORE UPDATE OR DELETE ON audit_incidentstep
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incidentstep_no_truncate BEFORE TRUNCATE ON audit_incidentstep
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incidentline_append_only BEFORE UPDATE OR DELETE ON audit_incidentline
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incidentline_no_truncate BEFORE TRUNCATE ON audit_incidentline
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
-- An operator's act counts only for the incident that tells the officers of it: that stays, as what it was.
CREATE OR REPLACE TRIGGER audit_incident_kept BEFORE DELETE ON audit_incident
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incident_no_truncate BEFORE TRUNCATE ON audit_incident
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER audit_incident_stays_itself BEFORE UPDATE ON audit_incident FOR EACH ROW
    WHEN ((NEW.id, NEW.kind, NEW.key, NEW.subject, NEW.reported_by, NEW.reported_at, NEW.happened, NEW.affected)
        IS DISTINCT FROM
        (OLD.id, OLD.kind, OLD.key, OLD.subject, OLD.reported_by, OLD.reported_at, OLD.happened, OLD.affected))
    EXECUTE FUNCTION audit_refuse_change();

-- Its first argument says what a row looks like that waits, in JSON; the others name the columns that the decision
-- writes. A row that is inserted waits. One that is updated waited until then, and nothing else of it changes.
CREATE OR REPLACE FUNCTION audit_decide_by_transition() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    made jsonb := to_jsonb(NEW);
    was jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE made END;
BEGIN
    IF NOT was @> TG_ARGV[0]::jsonb OR was - TG_ARGV[1:TG_NARGS - 1] IS DISTINCT FROM made - TG_ARGV[1:TG_NARGS - 1]
    THEN
        RAISE EXCEPTION 'a row of % is decided by a change of one that waits, once, and nothing else of it changes',
            TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
