-- Take the line's turn. Returns the moment of a choice made now: the later of the database's clock and one
-- microsecond after the line's newest choice or approval.
CREATE OR REPLACE FUNCTION consent_lock_line(line bigint) RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE newest timestamptz;
BEGIN
    SELECT newest_at INTO newest FROM consent_linegate WHERE line_id = line FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % has no gate row', line USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN greatest(audit_now(), newest + interval '1 microsecond');
END $$;

CREATE OR REPLACE FUNCTION consent_locked_gate(line bigint) RETURNS consent_linegate LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE g consent_linegate;
BEGIN
    SELECT * INTO g FROM consent_linegate WHERE line_id = line FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % has no gate row', line USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN g;
END $$;

CREATE OR REPLACE FUNCTION consent_put_gate(g consent_linegate) RETURNS void LANGUAGE plpgsql SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    UPDATE consent_linegate SET version = g.version, newest_at = g.newest_at, stops = g.stops, pauses = g.pauses,
        approvals = g.approvals, claims = g.claims WHERE line_id = g.line_id;
END $function$;

-- Derive a gate row from the ledger alone. For the owner: the row must come out as it stands.
CREATE OR REPLACE FUNCTION consent_replayed_gate(line bigint) RETURNS consent_linegate LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE g consent_linegate; c consent_choice; a consent_approval; s consent_setaside;
BEGIN
    SELECT * INTO g FROM consent_linegate WHERE line_id = line;
    g.version := 0; g.newest_at := NULL; g.stops := '{}'; g.pauses := '{}'; g.approvals := '{}'; g.claims := '{}';
    FOR c IN SELECT * FROM consent_choice WHERE line_id = line ORDER BY id LOOP
        g := consent_after_choice(g, c);
    END LOOP;
    FOR a IN SELECT * FROM consent_approval WHERE line_id = line ORDER BY id LOOP
        g := consent_after_approval(g, a);
    END LOOP;
    FOR s IN SELECT * FROM consent_setaside WHERE line_id = line ORDER BY yes_id LOOP
        g := consent_after_set_aside(g, s.campaign);
    END LOOP;
    RETURN g;
END $$;

-- Whether a use that an order allows is one that a stop (or pause) takes away: no campaign of the agreement is left for
-- it that the stop leaves out or that was agreed to anew since.
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

CREATE OR REPLACE FUNCTION consent_after_choice(g consent_linegate, c consent_choice) RETURNS consent_linegate
LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    key text := CASE WHEN c.scope = 'all' THEN 'all' ELSE c.scope || ':' || c.ref END;
    at bigint := consent_us(c.made_at);
BEGIN
    g.version := g.version + 1;
    g.newest_at := greatest(g.newest_at, c.made_at);
    IF c.kind IN ('stop', 'refuse') THEN
        g.stops := g.stops || jsonb_build_object(key, coalesce(g.stops->key, '{}') || jsonb_build_object(
            c.origin, greatest(at, (g.stops->key->>c.origin)::bigint)));
    ELSIF c.kind = 'pause' THEN
        g.pauses := g.pauses || jsonb_build_object(key, consent_kept(coalesce(g.pauses->key, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(c.until), c.origin))));
    ELSE
        g.approvals := g.approvals || jsonb_build_object(c.ref, consent_kept(coalesce(g.approvals->c.ref::text, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(c.until), c.origin))));
    END IF;
    RETURN g;
END $$;

CREATE OR REPLACE FUNCTION consent_after_approval(g consent_linegate, a consent_approval) RETURNS consent_linegate
LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE at bigint := consent_us(a.captured_at);
BEGIN
    g.version := g.version + 1;
    g.newest_at := greatest(g.newest_at, a.captured_at);
    IF a.verified_by = 'carrier' THEN
        g.approvals := g.approvals || jsonb_build_object(a.campaign,
            consent_kept(coalesce(g.approvals->a.campaign::text, '[]')
            || jsonb_build_array(jsonb_build_array(at, consent_us(a.expires_at), 'file'))));
    ELSE
        g.claims := g.claims || jsonb_build_object(a.campaign, least(at, (g.claims->>a.campaign::text)::bigint));
    END IF;
    RETURN g;
END $$;

-- What the gate row has of one campaign, from the ledger without what is set aside. The person's own yes never is.
CREATE OR REPLACE FUNCTION consent_after_set_aside(g consent_linegate, named text) RETURNS consent_linegate
LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    yeses jsonb;
    claimed bigint;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(consent_us(yes.at), consent_us(yes.until), yes.origin)) INTO yeses
    FROM (
        SELECT a.id, a.captured_at AS at, a.expires_at AS until, 'file' AS origin FROM consent_approval a
        WHERE a.line_id = g.line_id AND a.campaign = named AND a.verified_by = 'carrier'
        UNION ALL
        SELECT c.id, c.made_at, c.until, c.origin FROM consent_choice c
        WHERE c.line_id = g.line_id AND c.kind = 'allow' AND c.ref = named
    ) yes
    WHERE NOT EXISTS (SELECT FROM consent_setaside s WHERE s.line_id = g.line_id AND s.yes_id = yes.id);
    SELECT min(consent_us(a.captured_at)) INTO claimed FROM consent_approval a
    WHERE a.line_id = g.line_id AND a.campaign = named AND a.verified_by = 'partner'
        AND NOT EXISTS (SELECT FROM consent_setaside s WHERE s.line_id = g.line_id AND s.yes_id = a.id);
    g.version := g.version + 1;
    g.approvals := g.approvals - named;
    g.claims := g.claims - named;
    IF yeses IS NOT NULL THEN
        g.approvals := g.approvals || jsonb_build_object(named, consent_kept(yeses));
    END IF;
    IF claimed IS NOT NULL THEN
        g.claims := g.claims || jsonb_build_object(named, claimed);
    END IF;
    RETURN g;
END $$;

CREATE OR REPLACE FUNCTION consent_choice_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NEW.origin = 'person' AND NEW.made_at <= g.newest_at THEN
        RAISE EXCEPTION 'a choice must be newer than the line''s newest'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_newer_than_newest';
    END IF;
    IF NEW.origin = 'file' AND NEW.made_at > audit_now() THEN
        RAISE EXCEPTION 'a record is dated in the future'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_choice_not_in_future';
    END IF;
    g := consent_after_choice(g, NEW);
    -- As `consent_put_gate` does, without its call: files bring choices by the million.
    UPDATE consent_linegate SET version = g.version, newest_at = g.newest_at, stops = g.stops, pauses = g.pauses,
        approvals = g.approvals, claims = g.claims WHERE line_id = g.line_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_choice_moves_gate AFTER INSERT ON consent_choice
    FOR EACH ROW EXECUTE FUNCTION consent_choice_moves_gate();

CREATE OR REPLACE FUNCTION consent_approval_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NEW.captured_at > audit_now() THEN
        RAISE EXCEPTION 'an approval is dated in the future'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_approval_not_in_future';
    END IF;
    PERFORM consent_put_gate(consent_after_approval(g, NEW));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_approval_moves_gate AFTER INSERT ON consent_approval
    FOR EACH ROW EXECUTE FUNCTION consent_approval_moves_gate();

CREATE OR REPLACE FUNCTION consent_set_aside_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NOT EXISTS (SELECT FROM consent_approval a
            WHERE a.line_id = NEW.line_id AND a.id = NEW.yes_id AND a.campaign = NEW.campaign)
        AND NOT EXISTS (SELECT FROM consent_choice c
            WHERE c.line_id = NEW.line_id AND c.id = NEW.yes_id AND c.ref = NEW.campaign
                AND c.kind = 'allow' AND c.origin = 'file')
    THEN
        RAISE EXCEPTION 'only a yes of a file, or a claim, is set aside'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_set_aside_is_a_yes_of_a_file';
    END IF;
    PERFORM consent_put_gate(consent_after_set_aside(g, NEW.campaign));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_set_aside_moves_gate AFTER INSERT ON consent_setaside
    FOR EACH ROW EXECUTE FUNCTION consent_set_aside_moves_gate();

-- A line's own facts stand in its gate row too, written with the line.
CREATE OR REPLACE FUNCTION consent_line_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO consent_linegate AS g (line_id, version, active_from, active_until, state, number_changed_at,
        stops, pauses, approvals, claims)
    VALUES (NEW.id, 0, NEW.activated_at, NEW.deactivated_at, NEW.state, NEW.number_changed_at, '{}', '{}', '{}', '{}')
    ON CONFLICT (line_id) DO UPDATE SET active_from = excluded.active_from, active_until = excluded.active_until,
        state = excluded.state, number_changed_at = excluded.number_changed_at;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_line_moves_gate AFTER INSERT OR UPDATE ON accounts_line
    FOR EACH ROW EXECUTE FUNCTION consent_line_moves_gate();

-- A direct change, as in a migration, may only bring the row to what the ledger says. What comes by a trigger has just
-- been derived from it, and is looked at for a stop that would be gone.
CREATE OR REPLACE FUNCTION consent_linegate_follows_ledger() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    key text;
    origin text;
    at bigint;
    derived consent_linegate;
BEGIN
    FOR key, origin, at IN
        SELECT stop.key, said.key, said.value::bigint
        FROM jsonb_each(OLD.stops) AS stop, jsonb_each_text(stop.value) AS said
    LOOP
        IF coalesce((NEW.stops->key->>origin)::bigint, 0) < at THEN
            RAISE EXCEPTION 'a stop of line % would be gone', OLD.line_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_linegate_keeps_stops';
        END IF;
    END LOOP;
    IF pg_trigger_depth() = 1 THEN
        derived := consent_replayed_gate(OLD.line_id);
        IF (NEW.line_id, NEW.newest_at, NEW.stops, NEW.pauses, NEW.approvals, NEW.claims) IS DISTINCT FROM
            (OLD.line_id, derived.newest_at, derived.stops, derived.pauses, derived.approvals, derived.claims)
        THEN
            RAISE EXCEPTION 'the gate of line % would not be what its ledger says', OLD.line_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_linegate_follows_ledger';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER consent_linegate_follows_ledger BEFORE UPDATE ON consent_linegate FOR EACH ROW
    WHEN ((NEW.line_id, NEW.newest_at, NEW.stops, NEW.pauses, NEW.approvals, NEW.claims)
        IS DISTINCT FROM (OLD.line_id, OLD.newest_at, OLD.stops, OLD.pauses, OLD.approvals, OLD.claims)
        AND (pg_trigger_depth() = 0 OR OLD.stops <> '{}'))
    EXECUTE FUNCTION consent_linegate_follows_ledger();
