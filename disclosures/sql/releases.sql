-- Whose act a release is: the first known party after the aggregator, else the aggregator (`queries.trails.company_of`).
CREATE OR REPLACE FUNCTION disclosures_company(path varchar[]) RETURNS varchar LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT hop.uri FROM unnest(path[2:]) WITH ORDINALITY AS hop (uri, n)
        WHERE hop.uri <> 'unknown' ORDER BY hop.n LIMIT 1), path[1], 'unknown');
END;

-- Whether a term says the same as another, but for the judgement and a doubt that came later.
CREATE OR REPLACE FUNCTION disclosures_says_the_same(was integer, becomes integer) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM disclosures_term a JOIN disclosures_term b
            ON (a.aggregator, a.path, a.campaign, a.purpose, a.scope, a.basis, a.outcome, a.path_completed)
                = (b.aggregator, b.path, b.campaign, b.purpose, b.scope, b.basis, b.outcome, b.path_completed)
        WHERE a.id = was AND b.id = becomes AND (a.basis_doubtful = b.basis_doubtful
            OR b.basis_doubtful AND b.basis IN ('emergency', 'network')))
$$;

-- What left the carrier stays what it was. Only the judgement of it may change, never silently.
CREATE OR REPLACE FUNCTION disclosures_facts_stand() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF disclosures_converts(TG_RELID) THEN
            RETURN NEW;
        END IF;
        IF disclosures_says_the_same(OLD.term, NEW.term) THEN
            OLD.term := NEW.term;
        END IF;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    ELSIF current_setting('disclosures.giving_back', true) = 'yes'
        AND (SELECT relowner FROM pg_class WHERE oid = TG_RELID) = current_user::regrole
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% of a disclosure is refused: of it only the judgement may change', TG_OP
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_facts_stand';
END $$;
CREATE OR REPLACE TRIGGER disclosures_facts_stand BEFORE UPDATE OR DELETE ON disclosures_release
    FOR EACH ROW EXECUTE FUNCTION disclosures_facts_stand();

-- Nobody changes these rows, and nobody takes one away but the owner of the tables, while a month is dropped.
CREATE OR REPLACE FUNCTION disclosures_refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('disclosures.dropping', true) = 'yes'
        AND (SELECT relowner FROM pg_class WHERE oid = TG_RELID) = current_user::regrole
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% of a row of % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER disclosures_register_append_only BEFORE UPDATE OR DELETE ON disclosures_disclosureregister
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_change_append_only BEFORE UPDATE OR DELETE ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_notice_append_only BEFORE UPDATE OR DELETE ON disclosures_delayednotice
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();
CREATE OR REPLACE TRIGGER disclosures_givenback_append_only BEFORE UPDATE OR DELETE ON disclosures_givenback
    FOR EACH ROW EXECUTE FUNCTION disclosures_refuse_change();

-- A change row is dated by the server, whatever its writer says; so the check below can tell this transaction's own.
CREATE OR REPLACE FUNCTION disclosures_date_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_date_change BEFORE INSERT ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION disclosures_date_change();

CREATE OR REPLACE FUNCTION disclosures_change_is_recorded() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM disclosures_term a JOIN disclosures_term b ON b.id = NEW.term
        WHERE a.id = OLD.term AND a.judgement <> b.judgement AND NOT EXISTS (
            SELECT FROM disclosures_judgementchange c
            WHERE c.line_id = NEW.line_id AND c.disclosure_id = NEW.id AND c.changed_at >= transaction_timestamp()
                AND c.was = a.judgement AND c.becomes = b.judgement))
    THEN
        RAISE EXCEPTION 'the judgement of disclosure % changed without a record of it', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_change_is_recorded';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS disclosures_change_is_recorded ON disclosures_release;
CREATE CONSTRAINT TRIGGER disclosures_change_is_recorded AFTER UPDATE ON disclosures_release
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.term IS DISTINCT FROM NEW.term)
    EXECUTE FUNCTION disclosures_change_is_recorded();

CREATE OR REPLACE FUNCTION disclosures_note_rejudged() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT changed.line_id, (changed.occurred_at AT TIME ZONE long.zone)::date
    FROM changed JOIN disclosures_longline long ON long.line_id = changed.line_id;
    RETURN NULL;
END $$;
DO $do$
BEGIN
    IF NOT disclosures_is_spread() THEN
        CREATE OR REPLACE TRIGGER disclosures_note_rejudged AFTER UPDATE ON disclosures_release
            REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION disclosures_note_rejudged();
    END IF;
END $do$;
