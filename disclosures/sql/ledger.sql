-- By what a term is found: a hash of all that it says. The database computes it, so that nobody can store a term under
-- the hash of another.
CREATE OR REPLACE FUNCTION disclosures_term_key(said disclosures_term) RETURNS bytea LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT sha256(convert_to(jsonb_build_array(said.aggregator, said.path, said.campaign, said.purpose, said.scope,
        said.basis, said.outcome, said.path_completed, said.basis_doubtful, said.judgement)::text, 'UTF8'))
$$;
CREATE OR REPLACE FUNCTION disclosures_key_term() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    -- On a server that has a copy the row's own type is another.
    NEW.content := disclosures_term_key(ROW(NULL, NULL, NEW.aggregator, NEW.path, NEW.campaign, NEW.purpose, NEW.scope,
        NEW.basis, NEW.outcome, NEW.path_completed, NEW.basis_doubtful, NEW.judgement)::disclosures_term);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_key_term BEFORE INSERT ON disclosures_term
    FOR EACH ROW EXECUTE FUNCTION disclosures_key_term();

-- What releases have in common: the number of the term that says exactly this. Made when it is said for the first time.
-- Where terms stand on several servers, ON CONFLICT would need more rights than to insert.
CREATE OR REPLACE FUNCTION disclosures_put_term(said disclosures_term) RETURNS integer LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    key bytea := disclosures_term_key(said);
    found integer;
BEGIN
    SELECT id INTO found FROM disclosures_term WHERE content = key;
    IF found IS NULL THEN
        BEGIN
            INSERT INTO disclosures_term (aggregator, path, campaign, purpose, scope, basis, outcome, path_completed,
                basis_doubtful, judgement)
            VALUES (said.aggregator, said.path, said.campaign, said.purpose, said.scope, said.basis, said.outcome,
                said.path_completed, said.basis_doubtful, said.judgement)
            RETURNING id INTO found;
        EXCEPTION WHEN unique_violation THEN  -- another session made it meanwhile
            SELECT id INTO STRICT found FROM disclosures_term WHERE content = key;
        END;
    END IF;
    RETURN found;
END $$;

-- The term that says the same but for the judgement.
CREATE OR REPLACE FUNCTION disclosures_judged_term(term integer, becomes varchar) RETURNS integer LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    said disclosures_term;
BEGIN
    SELECT * INTO STRICT said FROM disclosures_term WHERE id = term;
    said.judgement := becomes;
    RETURN disclosures_put_term(said);
END $$;

-- The term that says the same, and that its basis is doubtful.
CREATE OR REPLACE FUNCTION disclosures_doubtful_term(term integer) RETURNS integer LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    said disclosures_term;
BEGIN
    SELECT * INTO STRICT said FROM disclosures_term WHERE id = term;
    said.basis_doubtful := true;
    RETURN disclosures_put_term(said);
END $$;

-- Whether `distribute_ledger` has spread the ledger over servers.
CREATE OR REPLACE FUNCTION disclosures_is_spread() RETURNS boolean LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    spread boolean := false;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = $1)' INTO spread
            USING 'disclosures_release'::regclass;
    END IF;
    RETURN spread;
END $$;

-- Whether the rows of 1.0, which say all of it themselves, may still be there.
CREATE OR REPLACE FUNCTION disclosures_is_mixed() RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'disclosures_release'::regclass AND attname = 'aggregator' AND NOT attisdropped)
$$;

-- Show releases with their terms, as one table. The column has no foreign key, which would look up every row's term once
-- more: nobody can take a term away, and no release can be changed to a term that isn't there.
CREATE OR REPLACE FUNCTION disclosures_show_releases(mixed boolean) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW disclosures_disclosure AS
        SELECT r.line_id, r.occurred_at, r.id, r.source_id, r.precision_m, r.decision_id, r.authority_ref,
            r.recorded_at, r.term, '
        || (SELECT string_agg(format(CASE WHEN mixed THEN 'coalesce(t.%1$I, r.%1$I) AS %1$I' ELSE 't.%1$I' END, name),
                ', ' ORDER BY n)
            FROM unnest(ARRAY['aggregator', 'path', 'campaign', 'purpose', 'scope', 'basis', 'outcome',
                'basis_doubtful', 'judgement', 'path_completed']) WITH ORDINALITY AS shown (name, n))
        || ' FROM disclosures_release r ' || CASE WHEN mixed THEN 'LEFT ' ELSE '' END
        || 'JOIN disclosures_term t ON t.id = r.term';
END $$;
SELECT disclosures_show_releases(disclosures_is_mixed());

-- Give rows of 1.0 their terms: those of these lines from a moment on.
CREATE OR REPLACE FUNCTION disclosures_convert(lines bigint[], since timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF disclosures_is_mixed() THEN
        PERFORM disclosures_convert_where('disclosures_release',
            format('r.line_id = ANY (%L::bigint[]) AND r.occurred_at >= %L', lines, since));
    END IF;
END $$;

-- Only the owner can use this: it changes more than the judgement.
CREATE OR REPLACE FUNCTION disclosures_convert_where(part regclass, which text) RETURNS bigint LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM set_config('disclosures.converting', 'yes', true);
    EXECUTE format('
        WITH said AS MATERIALIZED (
            SELECT DISTINCT aggregator, path, campaign, purpose, scope, basis, outcome, path_completed, basis_doubtful,
                judgement
            FROM %1$s r WHERE term IS NULL AND %2$s
            ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        ), put AS MATERIALIZED (
            SELECT said.*, disclosures_put_term(ROW(NULL, NULL, said.*)::disclosures_term) AS id FROM said
        )
        UPDATE %1$s r SET term = put.id, aggregator = NULL, path = NULL, campaign = NULL, purpose = NULL, scope = NULL,
            basis = NULL, outcome = NULL, path_completed = NULL, basis_doubtful = NULL, judgement = NULL
        FROM put
        WHERE r.term IS NULL AND %2$s AND (r.aggregator, r.path, r.campaign, r.purpose, r.scope, r.basis, r.outcome,
            r.path_completed, r.basis_doubtful, r.judgement) = (put.aggregator, put.path, put.campaign, put.purpose,
            put.scope, put.basis, put.outcome, put.path_completed, put.basis_doubtful, put.judgement)', part, which);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM set_config('disclosures.converting', '', true);
    RETURN n;
END $$;

-- Whether the owner is converting rows now.
CREATE OR REPLACE FUNCTION disclosures_converts(part oid) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT current_setting('disclosures.converting', true) = 'yes'
        AND (SELECT relowner FROM pg_class WHERE oid = part) = current_user::regrole
$$;

-- A program of 1.0 writes releases as if the view were a table. Code that writes few rows may do so too.
CREATE OR REPLACE FUNCTION disclosures_write_shown() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    said disclosures_term;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM disclosures_convert(ARRAY[OLD.line_id], OLD.occurred_at);
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM disclosures_release
        WHERE line_id = OLD.line_id AND occurred_at = OLD.occurred_at AND id = OLD.id;
        RETURN OLD;
    END IF;
    said := ROW(NULL, NULL, NEW.aggregator, NEW.path, NEW.campaign, NEW.purpose, NEW.scope, NEW.basis, NEW.outcome,
        coalesce(NEW.path_completed, ''), NEW.basis_doubtful, NEW.judgement);
    NEW.term := disclosures_put_term(said);
    IF TG_OP = 'INSERT' THEN
        INSERT INTO disclosures_release (line_id, occurred_at, recorded_at, id, term, precision_m, source_id,
            decision_id, authority_ref)
        VALUES (NEW.line_id, NEW.occurred_at, NEW.recorded_at, NEW.id, NEW.term, NEW.precision_m, NEW.source_id,
            NEW.decision_id, NEW.authority_ref);
    ELSIF (NEW.line_id, NEW.occurred_at, NEW.recorded_at, NEW.id, NEW.precision_m, NEW.source_id, NEW.decision_id,
        NEW.authority_ref) = (OLD.line_id, OLD.occurred_at, OLD.recorded_at, OLD.id, OLD.precision_m, OLD.source_id,
        OLD.decision_id, OLD.authority_ref)
    THEN
        UPDATE disclosures_release SET term = NEW.term
        WHERE line_id = OLD.line_id AND occurred_at = OLD.occurred_at AND id = OLD.id;
    ELSE
        RAISE EXCEPTION 'UPDATE of a disclosure is refused: of it only the judgement may change'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_facts_stand';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_write_shown INSTEAD OF INSERT OR UPDATE OR DELETE ON disclosures_disclosure
    FOR EACH ROW EXECUTE FUNCTION disclosures_write_shown();
