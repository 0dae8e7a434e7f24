"""A proposal begins undecided, is one officer's, and only another officer agrees to it or declines it."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION partners_is_officer(name text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM accounts_user u WHERE u.role = 'officer' AND u.is_active AND name = 'officer:' || u.id)
$$;
CREATE FUNCTION partners_proposal_two_people() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
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
CREATE TRIGGER partners_proposal_begins BEFORE INSERT ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": "", "decided_by": "", "decided_at": null, "decision_reason": ""}');
DROP TRIGGER partners_proposal_decided_once ON partners_proposal;
CREATE TRIGGER partners_proposal_decided_once BEFORE UPDATE ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": ""}', 'decision', 'decided_by', 'decided_at', 'decision_reason');
CREATE TRIGGER partners_proposal_two_people BEFORE INSERT OR UPDATE ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION partners_proposal_two_people();
DROP FUNCTION partners_proposal_decided_once;

-- What an agent asked for is done, taken back or denied once; a denial alone may be how it begins.
CREATE TRIGGER partners_agentrequest_begins BEFORE INSERT ON partners_agentrequest FOR EACH ROW
    WHEN (NEW.status <> 'denied' OR NEW.choice_id IS NOT NULL)
    EXECUTE FUNCTION audit_decide_by_transition('{"status": "in_progress", "closed_at": null, "choice_id": null}');
CREATE TRIGGER partners_agentrequest_closed_once BEFORE UPDATE ON partners_agentrequest FOR EACH ROW
    WHEN ((NEW.status, NEW.reason, NEW.closed_at, NEW.choice_id, NEW.line_id, NEW.agent_id)
        IS DISTINCT FROM (OLD.status, OLD.reason, OLD.closed_at, OLD.choice_id, OLD.line_id, OLD.agent_id))
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"status": "in_progress"}', 'status', 'reason', 'closed_at', 'choice_id', 'notify_at');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0021_functions_look_in_our_schema"),
        ("audit", "0016_decide_by_transition"),
        ("accounts", "0019_functions_look_in_our_schema"),
    ]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
