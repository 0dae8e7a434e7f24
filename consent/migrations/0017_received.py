"""Whom a stop concerns, read from who received something (`partners_received`)."""

from django.db import migrations

AFFECTED = """
-- The agreements whose partner this stop concerns. All: there is an approval, a claim, a yes, a release of basis
-- approval or an unfinished order through it. Of a company, purpose or use: an approval, claim or yes that it covers, or
-- a release to whom it covers. Of a release only its companies are known here: one for a purpose or use counts where a
-- company of one of its campaigns has received something. An unfinished order is none of its own there: what it was
-- about is one of these.
CREATE OR REPLACE FUNCTION consent_affected(line bigint, what text, named text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
        END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0016_tightened"), ("partners", "0018_received")]
    operations = [migrations.RunSQL(AFFECTED, migrations.RunSQL.noop)]
