"""Kin, the cover of each campaign, what is frozen once someone agreed, and the first jurisdiction rules."""

from django.db import migrations

COVER = """
-- The refs and everything linked to them by `succeeds` or `same_as`, in both directions, however far.
CREATE FUNCTION partners_kin_of(what text, refs text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE kin(ref) AS (
        SELECT unnest(refs)
        UNION
        SELECT CASE WHEN k.ref = kin.ref THEN k.kin_ref ELSE k.ref END
        FROM kin JOIN partners_kin k ON k.of = what AND (k.ref = kin.ref OR k.kin_ref = kin.ref)
    )
    SELECT coalesce(array_agg(ref::text ORDER BY ref COLLATE "C"), '{}') FROM kin
$$;

CREATE FUNCTION partners_refresh_cover(which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    -- The row lock makes writers of one campaign's reach take turns; the statement after it sees the other's rows.
    PERFORM FROM partners_cover WHERE campaign_id = which FOR UPDATE;
    INSERT INTO partners_cover (campaign_id, parties, named_parties, purposes, campaigns)
    SELECT c.id,
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[] || ARRAY(
            SELECT p.uri::text FROM partners_reach r JOIN partners_party p ON p.id = r.party_id
            WHERE r.campaign_id = c.id AND p.uri <> 'unknown')),
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[]),
        partners_kin_of('purpose', ARRAY[c.purpose]::text[]),
        partners_kin_of('campaign', ARRAY[c.ref]::text[])
    FROM partners_campaign c
        JOIN partners_contract k ON k.id = c.contract_id
        JOIN partners_party agg ON agg.id = k.aggregator_id
        JOIN partners_party lbs ON lbs.id = c.lbs_provider_id
    WHERE c.id = which
    ON CONFLICT (campaign_id) DO UPDATE SET parties = excluded.parties, named_parties = excluded.named_parties,
        purposes = excluded.purposes, campaigns = excluded.campaigns;
END $$;

CREATE FUNCTION partners_cover_campaign() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN PERFORM partners_refresh_cover(NEW.id); RETURN NULL; END $$;
CREATE TRIGGER partners_cover_campaign AFTER INSERT OR UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION partners_cover_campaign();

CREATE FUNCTION partners_cover_reach() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN PERFORM partners_refresh_cover(NEW.campaign_id); RETURN NULL; END $$;
CREATE TRIGGER partners_cover_reach AFTER INSERT ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_cover_reach();

CREATE FUNCTION partners_cover_kin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN PERFORM partners_refresh_cover(id) FROM partners_campaign ORDER BY id; RETURN NULL; END $$;
CREATE TRIGGER partners_cover_kin AFTER INSERT ON partners_kin
    FOR EACH STATEMENT EXECUTE FUNCTION partners_cover_kin();

CREATE TRIGGER partners_kin_append_only BEFORE UPDATE OR DELETE ON partners_kin
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_reach_only_grows BEFORE UPDATE OR DELETE ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_subject_never_changes BEFORE UPDATE OR DELETE ON partners_pairwisesubject
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""

RULES = """
INSERT INTO partners_jurisdictionrule (state, starts_at, purposes, sale_test, source)
SELECT state, starts_at::timestamptz,
    ARRAY['dpv:SellDataToThirdParties', 'dpv:DirectMarketing', 'dpv:TargetedAdvertising'], true, source
FROM (VALUES
    ('MD', '2025-10-01T00:00:00Z', 'Maryland Online Data Privacy Act: no sale of sensitive data'),
    ('OR', '2026-01-01T00:00:00Z', 'Oregon Consumer Privacy Act as amended: no sale of precise geolocation'),
    ('VA', '2026-07-01T00:00:00Z', 'Virginia Consumer Data Protection Act as amended: no sale of precise geolocation')
) AS rule (state, starts_at, source);
INSERT INTO partners_party (uri, name, kind, website, about, jwks_uri)
VALUES ('unknown', 'A company we can''t name', 'unnamed', '', '', '');
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial"), ("audit", "0002_chain")]
    operations = [
        migrations.RunSQL(
            COVER,
            "DROP FUNCTION partners_cover_campaign CASCADE; DROP FUNCTION partners_cover_reach CASCADE;"
            "DROP FUNCTION partners_cover_kin CASCADE; DROP FUNCTION partners_refresh_cover;"
            "DROP FUNCTION partners_kin_of",
        ),
        migrations.RunSQL(RULES, "DELETE FROM partners_jurisdictionrule; DELETE FROM partners_party WHERE uri = 'unknown'"),
    ]
