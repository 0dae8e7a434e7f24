"""Of whom a request that names its recipient is asked alone: not of every company we know, but of those behind it."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

COVER = """
CREATE OR REPLACE FUNCTION partners_refresh_cover(which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    -- The row lock makes writers of one campaign's reach take turns; the statement after it sees the other's rows.
    PERFORM FROM partners_cover WHERE campaign_id = which FOR UPDATE;
    INSERT INTO partners_cover (campaign_id, parties, named_parties, told_apart, purposes, campaigns)
    SELECT c.id,
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[] || ARRAY(
            SELECT p.uri::text FROM partners_reach r JOIN partners_party p ON p.id = r.party_id
            WHERE r.campaign_id = c.id AND p.uri <> 'unknown')),
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[]),
        -- No kin: a link may only ever make a stop cover more.
        ARRAY(
            SELECT lbs.uri::text
            UNION SELECT p.uri::text FROM partners_reach r JOIN partners_party p ON p.id = r.party_id
                WHERE r.campaign_id = c.id AND r.told_apart AND p.uri <> 'unknown'
            ORDER BY 1),
        partners_kin_of('purpose', ARRAY[c.purpose]::text[]),
        partners_kin_of('campaign', ARRAY[c.ref]::text[])
    FROM partners_campaign c
        JOIN partners_contract k ON k.id = c.contract_id
        JOIN partners_party agg ON agg.id = k.aggregator_id
        JOIN partners_party lbs ON lbs.id = c.lbs_provider_id
    WHERE c.id = which
    ON CONFLICT (campaign_id) DO UPDATE SET parties = excluded.parties, named_parties = excluded.named_parties,
        told_apart = excluded.told_apart, purposes = excluded.purposes, campaigns = excluded.campaigns;
END $$;

CREATE FUNCTION partners_reach_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.told_apart
        AND (NEW.campaign_id, NEW.party_id) IS NOT DISTINCT FROM (OLD.campaign_id, OLD.party_id)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a company that is known behind a use stays known behind it'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
DROP TRIGGER partners_reach_only_grows ON partners_reach;
CREATE TRIGGER partners_reach_only_grows BEFORE UPDATE OR DELETE ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_reach_only_grows();
CREATE TRIGGER partners_cover_told_apart AFTER UPDATE ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_cover_reach();

SELECT partners_refresh_cover(id) FROM partners_campaign ORDER BY id;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0010_when_dealings_began")]
    operations = [
        migrations.AddField("reach", "told_apart", models.BooleanField(db_default=True)),
        migrations.AddField("cover", "told_apart", ArrayField(models.TextField(), default=list)),
        migrations.AlterField("cover", "told_apart", ArrayField(models.TextField())),
        migrations.RunSQL(COVER, migrations.RunSQL.noop),
    ]
