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

-- Both are officers as the second agrees, within the 7 days that a proposal is open (partners.policies.loosening).
CREATE OR REPLACE FUNCTION partners_proposal_two_people() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (CASE NEW.decision
        WHEN '' THEN NOT partners_is_officer(NEW.proposed_by)
        WHEN 'withdrawn' THEN NEW.decided_by NOT IN (NEW.proposed_by, 'system:expiry')
        WHEN 'agreed' THEN NEW.decided_by = NEW.proposed_by OR NOT partners_is_officer(NEW.decided_by)
            OR OLD.decision = '' AND (NOT partners_is_officer(NEW.proposed_by)
                OR greatest(NEW.decided_at, audit_now()) >= NEW.proposed_at + interval '7 days')
        ELSE NEW.decided_by = NEW.proposed_by OR NOT partners_is_officer(NEW.decided_by) END)
    THEN
        RAISE EXCEPTION 'a proposal is one officer''s, and another officer agrees to it or declines it'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_proposal_two_people BEFORE INSERT OR UPDATE ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION partners_proposal_two_people();

CREATE OR REPLACE TRIGGER partners_proposal_begins BEFORE INSERT ON partners_proposal FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": "", "decided_by": "", "decided_at": null, "decision_reason": ""}');
CREATE OR REPLACE TRIGGER partners_proposal_decided_once BEFORE UPDATE ON partners_proposal FOR EACH ROW
    WHEN (to_jsonb(NEW) - 'spent_at' IS DISTINCT FROM to_jsonb(OLD) - 'spent_at') EXECUTE FUNCTION audit_decide_by_transition(
        '{"decision": ""}', 'decision', 'decided_by', 'decided_at', 'decision_reason');

-- What two officers agreed to is done once. The rule that lets it be done spends their yes, which counts for nothing more.
CREATE OR REPLACE TRIGGER partners_proposal_spent_once BEFORE UPDATE ON partners_proposal FOR EACH ROW
    WHEN (to_jsonb(NEW) -> 'spent_at' IS DISTINCT FROM to_jsonb(OLD) -> 'spent_at')
    EXECUTE FUNCTION audit_decide_by_transition('{"decision": "agreed", "spent_at": null}', 'spent_at');

CREATE OR REPLACE FUNCTION partners_spend(agreed uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE partners_proposal SET spent_at = clock_timestamp()
        WHERE id = agreed AND decision = 'agreed' AND spent_at IS NULL AND decided_by <> proposed_by;
    RETURN FOUND;
END $$;

-- What an agent asked for is done, taken back or denied once; a denial alone may be how it begins.
CREATE OR REPLACE TRIGGER partners_agentrequest_begins BEFORE INSERT ON partners_agentrequest FOR EACH ROW
    WHEN (NEW.status <> 'denied' OR NEW.choice_id IS NOT NULL)
    EXECUTE FUNCTION audit_decide_by_transition('{"status": "in_progress", "closed_at": null, "choice_id": null}');
CREATE OR REPLACE TRIGGER partners_agentrequest_closed_once BEFORE UPDATE ON partners_agentrequest FOR EACH ROW
    WHEN ((NEW.status, NEW.reason, NEW.closed_at, NEW.choice_id, NEW.line_id, NEW.agent_id)
        IS DISTINCT FROM (OLD.status, OLD.reason, OLD.closed_at, OLD.choice_id, OLD.line_id, OLD.agent_id))
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"status": "in_progress"}', 'status', 'reason', 'closed_at', 'choice_id', 'notify_at');
