-- Whether a no of this line can affect anybody. It can't on most lines of an old system's list: nobody was ever allowed
-- anything there, nobody received anything.
CREATE OR REPLACE FUNCTION consent_may_affect(line bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET enable_seqscan = off SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM consent_approval a WHERE a.line_id = line)
        OR EXISTS (SELECT FROM partners_dealing d WHERE d.line_id = line)
        OR EXISTS (SELECT FROM consent_choice h WHERE h.line_id = line AND h.kind = 'allow')
        OR EXISTS (SELECT FROM revocations_order o WHERE o.line_id = line);
END $$;

-- The agreements whose partner this stop concerns. All: there is an approval, a claim, a yes, a release of basis
-- approval or an unfinished order through it. Of a company, purpose or use: an approval, claim or yes that it covers, or
-- a release to whom it covers. Of a release only its companies are known here: one for a purpose or use counts where a
-- company of one of its campaigns has received something. An unfinished order is none of its own there: what it was
-- about is one of these.
CREATE OR REPLACE FUNCTION consent_affected(line bigint, what text, named text) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
-- By the line's index always: a session keeps the plans it made while the tables were small or had no statistics, as in
-- a first import, and would go on to read the whole ledger for each choice.
SET enable_seqscan = off SET search_path = public, pg_temp
AS $function$
BEGIN
    IF NOT consent_may_affect(line) THEN
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

-- The order named is also the one that stands at the partner, or an older one.
CREATE OR REPLACE FUNCTION consent_stop_has_its_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET search_path = public, pg_temp
AS $$
DECLARE
    concerned bigint[] := '{}';
    missing bigint;
    loose bigint;
BEGIN
    IF consent_may_affect(NEW.line_id) THEN
        concerned := ARRAY(SELECT consent_affected(NEW.line_id, NEW.scope, NEW.ref));
    END IF;
    -- It concerns nobody, and nobody was told.
    IF concerned = '{}' AND NOT EXISTS (
        SELECT FROM consent_choiceorder t WHERE t.line_id = NEW.line_id AND t.choice_id = NEW.id)
    THEN
        RETURN NULL;
    END IF;
    -- The order named is the one that stood when the choice was made. More may have been said since, in the same
    -- transaction, as by the rows of one file: each has its own.
    SELECT affected INTO missing FROM unnest(concerned) AS affected
    WHERE NOT EXISTS (
        SELECT FROM consent_choiceorder t
            JOIN revocations_order o ON o.line_id = t.line_id AND o.id = t.order_id AND o.contract_id = t.contract_id
            JOIN revocations_standing s ON s.line_id = o.line_id AND s.contract_id = o.contract_id
                AND (s.epoch, s.version) >= (o.epoch, o.version)
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
DROP TRIGGER IF EXISTS consent_stop_has_its_orders ON consent_choice;
CREATE CONSTRAINT TRIGGER consent_stop_has_its_orders AFTER INSERT ON consent_choice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind IN ('stop', 'pause', 'refuse'))
    EXECUTE FUNCTION consent_stop_has_its_orders();

CREATE OR REPLACE FUNCTION consent_our_stop_is_newest() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM consent_linegate g WHERE g.line_id = NEW.line_id AND NEW.made_at <= g.newest_at) THEN
        RAISE EXCEPTION 'a choice must be newer than the line''s newest'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_newer_than_newest';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER consent_our_stop_is_newest BEFORE INSERT ON consent_choice
    FOR EACH ROW WHEN (NEW.origin = 'system') EXECUTE FUNCTION consent_our_stop_is_newest();
