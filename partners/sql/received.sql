CREATE OR REPLACE FUNCTION partners_received(line bigint)
RETURNS TABLE (aggregator_id bigint, party_id bigint, last_at timestamptz, first_at timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.aggregator_id, d.party_id, d.last_at, coalesce(d.first_at, d.last_at)
    FROM partners_dealing d WHERE d.line_id = line AND d.party_id <> d.aggregator_id
    UNION ALL
    SELECT d.aggregator_id, d.aggregator_id, max(d.last_at), min(coalesce(d.first_at, d.last_at))
    FROM partners_dealing d WHERE d.line_id = line GROUP BY d.aggregator_id;
END;
