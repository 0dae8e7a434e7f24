-- Where a partner is spoken to and where its keys are: one officer writes down the first, two put another in its place
-- (partners.actions.addresses). An operator's act has an incident of its own. A yes counts for what was seen, and until
-- the next. Whether anything is replaced is looked at by one at a time.
CREATE OR REPLACE FUNCTION partners_keys_of(party bigint, own text) RETURNS text LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT coalesce(nullif(own, ''), (SELECT c.jwks_uri FROM partners_contract c
        WHERE c.aggregator_id = party AND NOT c.is_draft AND c.jwks_uri <> ''
        ORDER BY c.starts_at DESC, c.id DESC LIMIT 1), '')
$$;

CREATE OR REPLACE FUNCTION partners_spend_addresses(wanted text, what text, target bigint, change jsonb)
    RETURNS boolean LANGUAGE sql
    SET search_path = public, pg_temp
AS $$
    SELECT coalesce((SELECT partners_spend(newest.id) FROM (
        SELECT p.id, p.payload FROM partners_proposal p
        WHERE p.act = wanted AND p.of = what AND p.target_id = target AND p.decision = 'agreed'
        ORDER BY p.decided_at DESC LIMIT 1) AS newest
    WHERE newest.payload = change), false)
$$;

CREATE OR REPLACE FUNCTION partners_addresses_by_operator(target text, was_and_becomes text[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM audit_incident i WHERE i.kind = 'addresses_by_operator' AND i.closed_at IS NULL
        AND i.key = target || ':'
            || encode(sha256(convert_to(array_to_string(was_and_becomes, E'\n'), 'UTF8')), 'hex'))
$$;

CREATE OR REPLACE FUNCTION partners_contract_addresses() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    counted boolean := TG_OP = 'UPDATE' AND NOT OLD.is_draft;
    -- What a draft says counts for nothing.
    was_events text := CASE WHEN counted THEN OLD.endpoint_url ELSE '' END;
    was_keys text := CASE WHEN counted THEN OLD.jwks_uri ELSE '' END;
    was_hosts text[] := CASE WHEN counted THEN OLD.hosts ELSE '{}' END;
    party partners_party;
    events text;
    keys text;
    listed text[];
    told boolean;
BEGIN
    SELECT * INTO party FROM partners_party WHERE id = NEW.aggregator_id FOR NO KEY UPDATE;
    SELECT coalesce((SELECT c.endpoint_url FROM partners_contract c
        WHERE c.aggregator_id = party.id AND NOT c.is_draft AND c.endpoint_url <> ''
        ORDER BY c.starts_at DESC, c.id DESC LIMIT 1), '') INTO events;
    keys := partners_keys_of(party.id, party.jwks_uri);
    SELECT coalesce(array_agg(host), '{}') INTO listed FROM partners_contract c, unnest(c.hosts) AS host
        WHERE c.aggregator_id = party.id AND NOT c.is_draft;
    -- Without an address a partner polls, by a machine that was let in.
    told := events <> '' OR EXISTS (SELECT FROM partners_contract c WHERE c.aggregator_id = party.id AND NOT c.is_draft)
        AND EXISTS (SELECT FROM partners_client m WHERE m.party_id = party.id AND m.changed_at IS NOT NULL);
    IF (told AND NEW.endpoint_url NOT IN (was_events, coalesce(nullif(was_events, ''), events))
            OR keys <> '' AND NEW.jwks_uri NOT IN (was_keys, coalesce(nullif(was_keys, ''), keys))
            OR (told OR listed <> '{}') AND NEW.hosts::text[] <> was_hosts
                AND (was_hosts <> '{}' OR NOT NEW.hosts::text[] <@ listed)
            -- The newest contract's addresses count, and a later start would make it the newest.
            OR counted AND NEW.starts_at > OLD.starts_at AND EXISTS (SELECT FROM partners_contract c
                WHERE c.aggregator_id = party.id AND NOT c.is_draft AND c.starts_at >= OLD.starts_at
                    AND (c.endpoint_url NOT IN ('', NEW.endpoint_url) AND NEW.endpoint_url <> ''
                        OR c.jwks_uri NOT IN ('', NEW.jwks_uri) AND NEW.jwks_uri <> '')))
        -- Our own trial is told where people reach us.
        AND party.uri <> 'https://canary.whereabouts.invalid'
        AND NOT (counted AND (
            partners_spend_addresses('set_endpoints', 'contract', NEW.id, jsonb_build_object(
                'endpoint_url', NEW.endpoint_url, 'jwks_uri', NEW.jwks_uri, 'hosts', NEW.hosts,
                'was', jsonb_build_object('endpoint_url', was_events, 'jwks_uri', was_keys, 'hosts', was_hosts)))
            OR partners_addresses_by_operator(format('contract:%s', NEW.id), ARRAY[
                was_events, was_keys, array_to_string(was_hosts, ' '),
                NEW.endpoint_url, NEW.jwks_uri, array_to_string(NEW.hosts, ' ')])))
    THEN
        RAISE EXCEPTION 'where the partner of contract % is spoken to, and its keys, are moved by two officers', NEW.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_contract_addresses BEFORE UPDATE ON partners_contract FOR EACH ROW
    WHEN (NOT NEW.is_draft AND (OLD.is_draft OR (NEW.endpoint_url, NEW.jwks_uri, NEW.hosts, NEW.starts_at)
        IS DISTINCT FROM (OLD.endpoint_url, OLD.jwks_uri, OLD.hosts, OLD.starts_at)))
    EXECUTE FUNCTION partners_contract_addresses();
CREATE OR REPLACE TRIGGER partners_contract_first_addresses BEFORE INSERT ON partners_contract FOR EACH ROW
    WHEN (NOT NEW.is_draft) EXECUTE FUNCTION partners_contract_addresses();

CREATE OR REPLACE FUNCTION partners_party_keys() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    was text := partners_keys_of(OLD.id, OLD.jwks_uri);
BEGIN
    IF was NOT IN ('', partners_keys_of(OLD.id, NEW.jwks_uri))
        AND NOT partners_spend_addresses('move_keys', 'party', OLD.id,
            jsonb_build_object('jwks_uri', NEW.jwks_uri, 'was', was))
        AND NOT partners_addresses_by_operator(format('party:%s', OLD.id), ARRAY[OLD.jwks_uri, NEW.jwks_uri])
    THEN
        RAISE EXCEPTION 'the address of the keys of % is moved by two officers', OLD.uri
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_party_keys BEFORE UPDATE ON partners_party FOR EACH ROW
    WHEN (NEW.jwks_uri <> OLD.jwks_uri) EXECUTE FUNCTION partners_party_keys();
