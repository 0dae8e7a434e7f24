"""Keep the plans of what each choice runs: a function in SQL is planned anew whenever a trigger calls it."""

from django.db import migrations

PLANNED_ONCE = r"""
CREATE OR REPLACE FUNCTION consent_affected(line bigint, what text, named text) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    -- Most lines of an old system's list: nobody was ever allowed anything, nobody received anything.
    IF NOT (EXISTS (SELECT FROM consent_approval a WHERE a.line_id = line)
        OR EXISTS (SELECT FROM partners_dealing d WHERE d.line_id = line)
        OR EXISTS (SELECT FROM consent_choice h WHERE h.line_id = line AND h.kind = 'allow')
        OR EXISTS (SELECT FROM revocations_order o WHERE o.line_id = line))
    THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH agreed AS (
        SELECT c.id, c.contract_id FROM consent_approval a JOIN partners_campaign c ON c.ref = a.campaign
            WHERE a.line_id = line
        UNION
        SELECT c.id, c.contract_id FROM consent_choice h JOIN partners_campaign c ON c.ref = h.ref
            WHERE h.line_id = line AND h.kind = 'allow'
    ), received AS (
        SELECT d.aggregator_id, d.party_id, p.uri, a.uri AS aggregator FROM partners_received(line) d
            JOIN partners_party p ON p.id = d.party_id JOIN partners_party a ON a.id = d.aggregator_id
    ), covered AS (
        SELECT c.id, c.contract_id, c.lbs_provider_id, v.parties FROM (
                SELECT contract_id FROM agreed
                UNION SELECT k.id FROM received r JOIN partners_contract k ON k.aggregator_id = r.aggregator_id
            ) related JOIN partners_campaign c USING (contract_id) JOIN partners_cover v ON v.campaign_id = c.id
        WHERE what <> 'all' AND named = ANY (
            CASE what WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END)
    )
    SELECT contract_id FROM agreed WHERE what = 'all' OR id IN (SELECT id FROM covered)
    UNION
    SELECT o.contract_id FROM revocations_order o
    WHERE what = 'all' AND o.line_id = line AND o.state NOT IN ('completed', 'superseded')
    UNION
    SELECT k.id FROM received r JOIN partners_contract k ON k.aggregator_id = r.aggregator_id
    WHERE CASE what
        WHEN 'all' THEN true
        WHEN 'party' THEN ARRAY[r.uri, r.aggregator]::text[] && partners_kin_of('party', ARRAY[named])
        ELSE EXISTS (SELECT FROM covered c WHERE c.contract_id = k.id AND r.uri = ANY (c.parties)
            AND (r.party_id <> r.aggregator_id OR c.lbs_provider_id = r.aggregator_id))
        END;
END $function$;
CREATE OR REPLACE FUNCTION consent_put_gate(g consent_linegate) RETURNS void LANGUAGE plpgsql SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    UPDATE consent_linegate SET version = g.version, newest_at = g.newest_at, stops = g.stops, pauses = g.pauses,
        approvals = g.approvals, claims = g.claims WHERE line_id = g.line_id;
END $function$;
CREATE OR REPLACE FUNCTION consent_takes_away(c consent_choice, contract bigint, use jsonb) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    RETURN NOT EXISTS (
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
                    WHERE (yes->>0)::bigint > consent_us(c.made_at) AND (yes->>2 = 'person' OR c.origin = 'file'))));
END $function$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0025_decide_by_transition")]
    operations = [migrations.RunSQL(PLANNED_ONCE, migrations.RunSQL.noop)]
