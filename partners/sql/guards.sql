CREATE OR REPLACE TRIGGER partners_kin_append_only BEFORE UPDATE OR DELETE ON partners_kin
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_subject_never_changes BEFORE UPDATE OR DELETE ON partners_pairwisesubject
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_proposal_kept BEFORE DELETE ON partners_proposal
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_suspension_kept BEFORE DELETE ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_rule_kept BEFORE DELETE ON partners_jurisdictionrule
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_noticetext_append_only BEFORE UPDATE OR DELETE ON partners_noticetext
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_kin_no_truncate BEFORE TRUNCATE ON partners_kin
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_reach_no_truncate BEFORE TRUNCATE ON partners_reach
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_suspension_no_truncate BEFORE TRUNCATE ON partners_suspension
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_rule_no_truncate BEFORE TRUNCATE ON partners_jurisdictionrule
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- Otherwise an old yes would count again, for one of the same name or for what was changed since.
CREATE OR REPLACE TRIGGER partners_agent_kept BEFORE DELETE ON partners_authorizedagent FOR EACH ROW
    EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_agent_named BEFORE UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN ((NEW.number, NEW.id, NEW.registered_at) IS DISTINCT FROM (OLD.number, OLD.id, OLD.registered_at)
        OR (OLD.changed_at IS NOT NULL AND (NEW.changed_at IS NULL OR NEW.changed_at < OLD.changed_at)))
    EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_client_kept BEFORE DELETE ON partners_client FOR EACH ROW
    EXECUTE FUNCTION audit_refuse_change();
CREATE OR REPLACE TRIGGER partners_client_stays_itself BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN ((NEW.number, NEW.client_id, NEW.kind, NEW.party_id)
        IS DISTINCT FROM (OLD.number, OLD.client_id, OLD.kind, OLD.party_id)
        OR OLD.changed_at IS NOT NULL AND (NEW.changed_at IS NULL OR NEW.changed_at < OLD.changed_at))
    EXECUTE FUNCTION audit_refuse_change();

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

-- Whom a stop is sent to hangs on when companies had something of a line: only what takes releases out of a line
-- (`disclosures_give_back`), which is the owner's, makes that later or shorter.
CREATE OR REPLACE FUNCTION partners_dealing_only_grows() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION 'what a company is known to have had stays known'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_dealing_only_grows BEFORE UPDATE ON partners_dealing FOR EACH ROW
    WHEN (NEW.last_at < OLD.last_at OR coalesce(NEW.first_at, NEW.last_at) > coalesce(OLD.first_at, OLD.last_at))
    EXECUTE FUNCTION partners_dealing_only_grows();
