"""A stop is committed only with orders that stand now and no longer allow what it stops."""

from django.db import migrations

GUARD = """
-- Whether a use that an order allows is one that a stop (or pause) takes away: no campaign of the agreement is left for
-- it that the stop leaves out or that was agreed to anew since.
CREATE FUNCTION consent_takes_away(c consent_choice, contract bigint, use jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM partners_campaign k
            JOIN partners_party p ON p.id = k.lbs_provider_id
            JOIN partners_cover v ON v.campaign_id = k.id
            JOIN consent_linegate g ON g.line_id = c.line_id AND g.approvals ? k.ref::text
        WHERE k.contract_id = contract AND k.purpose = use->>'purpose' AND p.uri = use->>'recipient'
            AND use->'scopes' ? k.scope::text
            AND (CASE c.scope
                WHEN 'all' THEN false
                WHEN 'purpose' THEN c.ref <> ALL (v.purposes)
                WHEN 'campaign' THEN c.ref <> ALL (v.campaigns)
                ELSE c.ref <> ALL (v.named_parties) AND (c.ref <> ALL (v.parties)
                    OR k.names_recipient AND coalesce(use->'except' ? c.ref::text, false))
                END
                OR EXISTS (SELECT FROM jsonb_array_elements(g.approvals->k.ref::text) AS yes
                    WHERE (yes->>0)::bigint > consent_us(c.made_at) AND (yes->>2 = 'person' OR c.origin = 'file'))))
$$;

CREATE OR REPLACE FUNCTION consent_stop_has_its_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    missing bigint;
    loose bigint;
BEGIN
    -- The order named is the one that stood when the choice was made. More may have been said since, in the same
    -- transaction, as by the rows of one file: each has its own.
    SELECT affected INTO missing FROM consent_affected(NEW.line_id, NEW.scope, NEW.ref) AS affected
    WHERE NOT EXISTS (
        SELECT FROM consent_choiceorder t
            JOIN revocations_order o ON o.line_id = t.line_id AND o.id = t.order_id AND o.contract_id = t.contract_id
        WHERE t.line_id = NEW.line_id AND t.choice_id = NEW.id AND t.contract_id = affected
            AND NOT EXISTS (SELECT FROM revocations_order newer
                WHERE newer.line_id = o.line_id AND newer.contract_id = o.contract_id
                    AND (newer.epoch, newer.version) > (o.epoch, o.version) AND newer.queued_at < NEW.recorded_at))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'choice % has no order for agreement %', NEW.id, missing
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_stop_has_its_orders';
    END IF;
    IF NEW.until IS NULL OR NEW.until > audit_now() THEN
        SELECT s.contract_id INTO loose FROM consent_choiceorder t
            JOIN revocations_standing s ON s.line_id = t.line_id AND s.contract_id = t.contract_id
            JOIN revocations_order o ON o.line_id = s.line_id AND o.id = s.order_id
            CROSS JOIN LATERAL jsonb_array_elements(o.snapshot->'state') AS use
        WHERE t.line_id = NEW.line_id AND t.choice_id = NEW.id
            AND consent_takes_away(NEW, s.contract_id, use)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the order of choice % for agreement % still allows what it stops', NEW.id, loose
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_order_says_so';
        END IF;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0008_gate_stays"), ("revocations", "0001_initial"), ("partners", "0002_cover")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
