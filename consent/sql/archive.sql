-- Of [[from, until or null, origin], ...]: those that no other outlasts. What another entry, at least as new, as long
-- and as strong, says already is left out; so the row stays small, and is the same in whatever order it was built.
CREATE OR REPLACE FUNCTION consent_kept(entries jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    WITH entry AS (
        SELECT DISTINCT (e->>0)::bigint AS since, (e->>1)::bigint AS until, e->>2 AS origin
        FROM jsonb_array_elements(entries) AS e
    )
    SELECT coalesce(jsonb_agg(jsonb_build_array(a.since, a.until, a.origin)
        ORDER BY a.since, a.until NULLS LAST, a.origin), '[]')
    FROM entry a
    WHERE NOT EXISTS (
        SELECT FROM entry b
        WHERE (b.since, b.until, b.origin) IS DISTINCT FROM (a.since, a.until, a.origin)
            AND b.since >= a.since
            AND (b.until IS NULL OR b.until >= a.until)
            AND (b.origin = 'person' OR a.origin = 'file')
    );
END;

CREATE OR REPLACE FUNCTION consent_us(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT (extract(epoch FROM t) * 1000000)::bigint;
END;

-- One row for each choice, suspension and end, in its own transaction: nothing that tightens can be forgotten.
CREATE OR REPLACE FUNCTION consent_choice_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
    VALUES ('choice', NEW.line_id, NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_choice_is_archived AFTER INSERT ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION consent_choice_is_archived();

CREATE OR REPLACE FUNCTION consent_end_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, object_id, queued_at)
    VALUES ('end', NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_end_is_archived AFTER INSERT ON revocations_cohort
    FOR EACH ROW EXECUTE FUNCTION consent_end_is_archived();

CREATE OR REPLACE FUNCTION consent_suspension_is_archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_unarchived (kind, object_id, queued_at)
    VALUES ('suspension', NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_suspension_is_archived AFTER INSERT ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION consent_suspension_is_archived();

-- A row for each act that tightens, in its own transaction. TG_ARGV: what kind it is, then the columns that say it.
CREATE OR REPLACE FUNCTION consent_tightening_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE says jsonb;
BEGIN
    SELECT jsonb_object_agg(name, to_jsonb(NEW) -> name) INTO says FROM unnest(TG_ARGV[1:TG_NARGS - 1]) AS name;
    INSERT INTO consent_tightening (kind, line_id, said, at) VALUES (TG_ARGV[0], 0, says, clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_kin_is_kept AFTER INSERT ON partners_kin FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('kin', 'of', 'ref', 'kin_ref', 'link');
CREATE OR REPLACE TRIGGER consent_machine_is_kept AFTER UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('machine', 'client_id');
CREATE OR REPLACE TRIGGER consent_machine_key_is_kept AFTER UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.public_jwk IS DISTINCT FROM NEW.public_jwk)
    EXECUTE FUNCTION consent_tightening_is_kept('key', 'client_id', 'public_jwk');

-- A term that grew is kept too: only the newest of a use or an agreement counts.
CREATE OR REPLACE TRIGGER consent_contract_term_is_kept AFTER UPDATE ON partners_contract FOR EACH ROW
    WHEN (OLD.ends_at IS DISTINCT FROM NEW.ends_at)
    EXECUTE FUNCTION consent_tightening_is_kept('contract', 'ref', 'ends_at');
CREATE OR REPLACE TRIGGER consent_campaign_term_is_kept AFTER UPDATE ON partners_campaign FOR EACH ROW
    WHEN (OLD.ends_at IS DISTINCT FROM NEW.ends_at)
    EXECUTE FUNCTION consent_tightening_is_kept('campaign', 'ref', 'ends_at');
CREATE OR REPLACE TRIGGER consent_payment_is_kept AFTER UPDATE ON partners_campaign FOR EACH ROW
    WHEN (OLD.consideration IS DISTINCT FROM NEW.consideration)
    EXECUTE FUNCTION consent_tightening_is_kept('payment', 'ref', 'consideration');
CREATE OR REPLACE TRIGGER consent_agent_is_kept AFTER UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('agent', 'id');
CREATE OR REPLACE TRIGGER consent_delegation_is_kept AFTER UPDATE ON accounts_delegation FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('delegation', 'id');
CREATE OR REPLACE TRIGGER consent_sign_in_is_kept AFTER UPDATE ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION consent_tightening_is_kept('user', 'id', 'date_joined');
CREATE OR REPLACE TRIGGER consent_rule_is_kept AFTER INSERT ON partners_jurisdictionrule FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('rule', 'state', 'starts_at', 'purposes', 'sale_test', 'consideration',
        'max_radius_m', 'source');
