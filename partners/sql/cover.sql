-- The refs and everything linked to them by `succeeds` or `same_as`, in both directions, however far.
CREATE OR REPLACE FUNCTION partners_kin_of(what text, refs text[]) RETURNS text[] LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    WITH RECURSIVE kin(ref) AS (
        SELECT unnest(refs)
        UNION
        SELECT CASE WHEN k.ref = kin.ref THEN k.kin_ref ELSE k.ref END
        FROM kin JOIN partners_kin k ON k.of = what AND (k.ref = kin.ref OR k.kin_ref = kin.ref)
    )
    SELECT coalesce(array_agg(ref::text ORDER BY ref COLLATE "C"), '{}') FROM kin
$$;

-- Those of these names that are companies of ours, as a suspension names them.
CREATE OR REPLACE FUNCTION partners_targets_of(uris text[]) RETURNS text[] LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN RETURN ARRAY(SELECT 'party:' || id::text FROM partners_party WHERE uri = ANY (uris)); END $$;

CREATE OR REPLACE FUNCTION partners_refresh_cover(which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
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

CREATE OR REPLACE FUNCTION partners_cover_campaign() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_advisory_xact_lock(hashtext('partners.kin'));
    END IF;
    PERFORM partners_refresh_cover(NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER partners_cover_campaign AFTER INSERT OR UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION partners_cover_campaign();

CREATE OR REPLACE FUNCTION partners_cover_kin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('partners.kin'));
    PERFORM partners_refresh_cover(id) FROM partners_campaign ORDER BY id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER partners_cover_kin AFTER INSERT ON partners_kin
    FOR EACH STATEMENT EXECUTE FUNCTION partners_cover_kin();

CREATE OR REPLACE FUNCTION partners_cover_reach() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN PERFORM partners_refresh_cover(NEW.campaign_id); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER partners_cover_reach AFTER INSERT ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_cover_reach();
CREATE OR REPLACE TRIGGER partners_cover_told_apart AFTER UPDATE ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_cover_reach();

CREATE OR REPLACE FUNCTION partners_reach_only_grows() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.told_apart
        AND (NEW.campaign_id, NEW.party_id) IS NOT DISTINCT FROM (OLD.campaign_id, OLD.party_id)
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM partners_campaign c WHERE c.id = OLD.campaign_id AND c.is_draft) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a company that is known behind a use stays known behind it'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_reach_only_grows BEFORE UPDATE OR DELETE ON partners_reach
    FOR EACH ROW EXECUTE FUNCTION partners_reach_only_grows();

-- A campaign whose requests name their recipient is not covered by a stop of another recipient.
CREATE OR REPLACE FUNCTION partners_recipient_stays_covered() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'stops of those behind campaign % would cover less', OLD.ref
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_recipient_stays_covered BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NEW.names_recipient AND NOT OLD.names_recipient AND NOT OLD.is_draft)
    EXECUTE FUNCTION partners_recipient_stays_covered();

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
