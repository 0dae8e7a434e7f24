"""The ledger's guards, the gate row that follows it, and the check that no stop is committed without its orders."""

from django.db import migrations

LEDGER = """
CREATE TRIGGER consent_choice_append_only BEFORE UPDATE OR DELETE ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_choice_no_truncate BEFORE TRUNCATE ON consent_choice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_approval_append_only BEFORE UPDATE OR DELETE ON consent_approval
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_approval_no_truncate BEFORE TRUNCATE ON consent_approval
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_choiceorder_append_only BEFORE UPDATE OR DELETE ON consent_choiceorder
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_choiceorder_no_truncate BEFORE TRUNCATE ON consent_choiceorder
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_choicereceipt_append_only BEFORE UPDATE OR DELETE ON consent_choicereceipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE INDEX consent_choice_allowed ON consent_choice (ref) WHERE kind = 'allow';

-- What was agreed stays what was agreed: a change is a new campaign.
CREATE FUNCTION consent_campaign_frozen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.ref, NEW.contract_id, NEW.lbs_provider_id, NEW.purpose, NEW.scope, NEW.precision_m, NEW.consent_flow,
        NEW.description) IS DISTINCT FROM (OLD.ref, OLD.contract_id, OLD.lbs_provider_id, OLD.purpose, OLD.scope,
        OLD.precision_m, OLD.consent_flow, OLD.description)
        AND (EXISTS (SELECT FROM consent_approval WHERE campaign = OLD.ref)
            OR EXISTS (SELECT FROM consent_choice WHERE kind = 'allow' AND ref = OLD.ref))
    THEN
        RAISE EXCEPTION 'campaign % is frozen: somebody agreed to it as it is', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_campaign_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_campaign_frozen BEFORE UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION consent_campaign_frozen();
"""

GATE = """
CREATE FUNCTION consent_us(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM t) * 1000000)::bigint
$$;

-- Of [[from, until or null, origin], ...]: those that no other outlasts. What another entry, at least as new, as long
-- and as strong, says already is left out; so the row stays small, and is the same in whatever order it was built.
CREATE FUNCTION consent_kept(entries jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
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
    )
$$;

CREATE FUNCTION consent_after_choice(g consent_linegate, c consent_choice) RETURNS consent_linegate
LANGUAGE plpgsql AS $$
DECLARE
    key text := CASE WHEN c.scope = 'all' THEN 'all' ELSE c.scope || ':' || c.ref END;
    at bigint := consent_us(c.made_at);
BEGIN
    g.version := g.version + 1;
    g.newest_at := greatest(g.newest_at, c.made_at);
    IF c.kind IN ('stop', 'refuse') THEN
        g.stops := g.stops || jsonb_build_object(key, coalesce(g.stops->key, '{}') || jsonb_build_object(
            c.origin, greatest(at, (g.stops->key->>c.origin)::bigint)));
    ELSIF c.kind = 'pause' THEN
        g.pauses := g.pauses || jsonb_build_object(key, consent_kept(coalesce(g.pauses->key, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(c.until), c.origin))));
    ELSE
        g.approvals := g.approvals || jsonb_build_object(c.ref, consent_kept(coalesce(g.approvals->c.ref::text, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(c.until), c.origin))));
    END IF;
    RETURN g;
END $$;

CREATE FUNCTION consent_after_approval(g consent_linegate, a consent_approval) RETURNS consent_linegate
LANGUAGE plpgsql AS $$
DECLARE at bigint := consent_us(a.captured_at);
BEGIN
    g.version := g.version + 1;
    g.newest_at := greatest(g.newest_at, a.captured_at);
    IF a.verified_by = 'carrier' THEN
        g.approvals := g.approvals || jsonb_build_object(a.campaign,
            consent_kept(coalesce(g.approvals->a.campaign::text, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(a.expires_at), 'file'))));
    ELSE
        g.claims := g.claims || jsonb_build_object(a.campaign, least(at, (g.claims->>a.campaign::text)::bigint));
    END IF;
    RETURN g;
END $$;

CREATE FUNCTION consent_put_gate(g consent_linegate) RETURNS void LANGUAGE sql AS $$
    UPDATE consent_linegate SET version = g.version, newest_at = g.newest_at, stops = g.stops, pauses = g.pauses,
        approvals = g.approvals, claims = g.claims WHERE line_id = g.line_id
$$;

-- Take the line's turn. Returns the moment of a choice made now: the later of the database's clock and one
-- microsecond after the line's newest choice or approval.
CREATE FUNCTION consent_lock_line(line bigint) RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE newest timestamptz;
BEGIN
    SELECT newest_at INTO newest FROM consent_linegate WHERE line_id = line FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % has no gate row', line USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN greatest(audit_now(), newest + interval '1 microsecond');
END $$;

CREATE FUNCTION consent_locked_gate(line bigint) RETURNS consent_linegate LANGUAGE plpgsql AS $$
DECLARE g consent_linegate;
BEGIN
    SELECT * INTO g FROM consent_linegate WHERE line_id = line FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % has no gate row', line USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN g;
END $$;

CREATE FUNCTION consent_choice_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NEW.origin = 'person' AND NEW.made_at <= g.newest_at THEN
        RAISE EXCEPTION 'a choice must be newer than the line''s newest'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_newer_than_newest';
    END IF;
    IF NEW.origin = 'file' AND NEW.made_at > audit_now() THEN
        RAISE EXCEPTION 'a record is dated in the future'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_not_in_future';
    END IF;
    PERFORM consent_put_gate(consent_after_choice(g, NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER consent_choice_moves_gate AFTER INSERT ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION consent_choice_moves_gate();

CREATE FUNCTION consent_approval_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NEW.captured_at > audit_now() THEN
        RAISE EXCEPTION 'an approval is dated in the future'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_approval_not_in_future';
    END IF;
    PERFORM consent_put_gate(consent_after_approval(g, NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER consent_approval_moves_gate AFTER INSERT ON consent_approval
    FOR EACH ROW EXECUTE FUNCTION consent_approval_moves_gate();

-- A line's own facts stand in its gate row too, written with the line.
CREATE FUNCTION consent_line_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_linegate AS g (line_id, version, active_from, active_until, state, number_changed_at,
        stops, pauses, approvals, claims)
    VALUES (NEW.id, 0, NEW.activated_at, NEW.deactivated_at, NEW.state, NEW.number_changed_at, '{}', '{}', '{}', '{}')
    ON CONFLICT (line_id) DO UPDATE SET active_from = excluded.active_from, active_until = excluded.active_until,
        state = excluded.state, number_changed_at = excluded.number_changed_at;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_line_moves_gate AFTER INSERT OR UPDATE ON accounts_line
    FOR EACH ROW EXECUTE FUNCTION consent_line_moves_gate();

-- Derive a gate row from the ledger alone. For the owner: the row must come out as it stands.
CREATE FUNCTION consent_replayed_gate(line bigint) RETURNS consent_linegate LANGUAGE plpgsql AS $$
DECLARE g consent_linegate; c consent_choice; a consent_approval;
BEGIN
    SELECT * INTO g FROM consent_linegate WHERE line_id = line;
    g.version := 0; g.newest_at := NULL; g.stops := '{}'; g.pauses := '{}'; g.approvals := '{}'; g.claims := '{}';
    FOR c IN SELECT * FROM consent_choice WHERE line_id = line ORDER BY id LOOP
        g := consent_after_choice(g, c);
    END LOOP;
    FOR a IN SELECT * FROM consent_approval WHERE line_id = line ORDER BY id LOOP
        g := consent_after_approval(g, a);
    END LOOP;
    RETURN g;
END $$;
"""

ORDERS = """
-- The agreements whose partner this stop concerns: there is an approval, a claim, a release of basis approval or an
-- unfinished order through it, and the stop covers something there. Nobody else is told.
CREATE FUNCTION consent_affected(line bigint, what text, named text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH related AS (
        SELECT c.contract_id AS id FROM consent_approval a JOIN partners_campaign c ON c.ref = a.campaign
            WHERE a.line_id = line
        UNION
        SELECT c.contract_id FROM consent_choice h JOIN partners_campaign c ON c.ref = h.ref
            WHERE h.line_id = line AND h.kind = 'allow'
        UNION
        SELECT k.id FROM partners_dealing d JOIN partners_contract k ON k.aggregator_id = d.aggregator_id
            WHERE d.line_id = line
        UNION
        SELECT o.contract_id FROM revocations_order o
            WHERE o.line_id = line AND o.state NOT IN ('completed', 'superseded')
    )
    SELECT related.id FROM related
    WHERE what = 'all'
        OR EXISTS (
            SELECT FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
            WHERE c.contract_id = related.id AND named = ANY (
                CASE what WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END))
        OR what = 'party' AND EXISTS (
            SELECT FROM partners_contract k JOIN partners_dealing d ON d.aggregator_id = k.aggregator_id
                JOIN partners_party p ON p.id IN (d.party_id, d.aggregator_id)
            WHERE k.id = related.id AND d.line_id = line
                AND p.uri = ANY (partners_kin_of('party', ARRAY[named])))
$$;

CREATE FUNCTION consent_stop_has_its_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE missing bigint;
BEGIN
    SELECT affected INTO missing FROM consent_affected(NEW.line_id, NEW.scope, NEW.ref) AS affected
    WHERE NOT EXISTS (
        SELECT FROM consent_choiceorder t
            JOIN revocations_order o ON o.line_id = t.line_id AND o.id = t.order_id AND o.contract_id = t.contract_id
        WHERE t.line_id = NEW.line_id AND t.choice_id = NEW.id AND t.contract_id = affected)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'choice % has no order for agreement %', NEW.id, missing
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_stop_has_its_orders';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER consent_stop_has_its_orders AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind IN ('stop', 'pause', 'refuse'))
    EXECUTE FUNCTION consent_stop_has_its_orders();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0001_initial"),
        ("revocations", "0001_initial"),
        ("partners", "0002_cover"),
        ("accounts", "0001_initial"),
        ("audit", "0002_chain"),
    ]
    operations = [
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
        migrations.RunSQL(GATE, migrations.RunSQL.noop),
        migrations.RunSQL(ORDERS, migrations.RunSQL.noop),
    ]
