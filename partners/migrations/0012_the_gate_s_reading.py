"""What the gate reads of a campaign stands in its cover: whose suspension denies it, and for whom it may be asked."""

import django.contrib.postgres.fields
from django.db import migrations, models

COVER = """
CREATE OR REPLACE FUNCTION partners_refresh_cover(which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    -- The row lock makes writers of one campaign's reach take turns; the statement after it sees the other's rows.
    PERFORM FROM partners_cover WHERE campaign_id = which FOR UPDATE;
    INSERT INTO partners_cover AS cover (campaign_id, aggregator, provider, parties, named_parties, told_apart,
        purposes, campaigns, targets, named_targets)
    SELECT c.id, agg.uri, lbs.uri,
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[] || behind.uris),
        partners_kin_of('party', ARRAY[agg.uri, lbs.uri]::text[]),
        -- No kin: a link may only ever make a stop cover more.
        ARRAY(SELECT lbs.uri::text UNION SELECT unnest(behind.told_apart) ORDER BY 1),
        partners_kin_of('purpose', ARRAY[c.purpose]::text[]),
        partners_kin_of('campaign', ARRAY[c.ref]::text[]),
        own.targets || behind.targets, own.targets
    FROM partners_campaign c
        JOIN partners_contract k ON k.id = c.contract_id
        JOIN partners_party agg ON agg.id = k.aggregator_id
        JOIN partners_party lbs ON lbs.id = c.lbs_provider_id
        CROSS JOIN LATERAL (SELECT ARRAY['campaign:' || c.id::text, 'contract:' || k.id::text,
            'party:' || agg.id::text, 'party:' || lbs.id::text]::text[] AS targets) own
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(p.uri::text) FILTER (WHERE p.uri <> 'unknown'), '{}') AS uris,
                coalesce(array_agg(p.uri::text) FILTER (WHERE p.uri <> 'unknown' AND r.told_apart), '{}') AS told_apart,
                coalesce(array_agg('party:' || p.id::text ORDER BY p.id), '{}') AS targets
            FROM partners_reach r JOIN partners_party p ON p.id = r.party_id WHERE r.campaign_id = c.id
        ) behind
    WHERE c.id = which
    ON CONFLICT (campaign_id) DO UPDATE SET aggregator = excluded.aggregator, provider = excluded.provider,
        parties = excluded.parties, named_parties = excluded.named_parties, told_apart = excluded.told_apart,
        purposes = excluded.purposes, campaigns = excluded.campaigns, targets = excluded.targets,
        named_targets = excluded.named_targets;
END $$;
-- Those of these names that are companies of ours, as a suspension names them.
CREATE FUNCTION partners_targets_of(uris text[]) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN ARRAY(SELECT 'party:' || id::text FROM partners_party WHERE uri = ANY (uris)); END $$;
SELECT partners_refresh_cover(id) FROM partners_campaign ORDER BY id;
"""

TARGET = """
ALTER TABLE partners_suspension ADD COLUMN target text GENERATED ALWAYS AS (of || ':' || target_id::text) STORED;
CREATE INDEX partners_suspension_target ON partners_suspension (target, starts_at);
"""


def texts() -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list)


class Migration(migrations.Migration):
    dependencies = [("partners", "0011_told_apart")]
    operations = [
        migrations.AddField("cover", "aggregator", models.CharField(default="", max_length=1000)),
        migrations.AddField("cover", "provider", models.CharField(default="", max_length=1000)),
        migrations.AddField("cover", "targets", texts()),
        migrations.AddField("cover", "named_targets", texts()),
        migrations.RunSQL(TARGET, "ALTER TABLE partners_suspension DROP COLUMN target"),
        migrations.RunSQL(COVER, "DROP FUNCTION partners_targets_of"),
    ]
