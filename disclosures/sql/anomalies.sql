CREATE OR REPLACE FUNCTION disclosures_anomaly_newest() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.newest_at := greatest(NEW.newest_at, NEW.last_at);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_anomaly_newest BEFORE INSERT OR UPDATE ON disclosures_anomaly
    FOR EACH ROW EXECUTE FUNCTION disclosures_anomaly_newest();

CREATE OR REPLACE FUNCTION disclosures_anomalyrule_grace() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'a company is suspended after at most 14 days'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER disclosures_anomalyrule_grace BEFORE INSERT ON disclosures_anomalyrule FOR EACH ROW
    WHEN (NEW.suspend_after_days > 14) EXECUTE FUNCTION disclosures_anomalyrule_grace();

-- A yes is to what follows one version, so that it counts once. None follows but the next: a version that nobody
-- compared with the newest would be a way round.
CREATE OR REPLACE FUNCTION disclosures_anomalyrule_looser() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    was disclosures_anomalyrule;
    agreed uuid;
BEGIN
    SELECT * INTO was FROM disclosures_anomalyrule WHERE kind = NEW.kind ORDER BY version DESC LIMIT 1;
    IF was.id IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.version <> was.version + 1 THEN
        RAISE EXCEPTION 'the next version of the rule % is %', NEW.kind, was.version + 1
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    IF NOT disclosures_looser(NEW, was) THEN
        RETURN NEW;
    END IF;
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'loosen_anomalies' AND p.of = 'anomaly' AND p.target_id = was.id AND p.decision = 'agreed'
            AND p.spent_at IS NULL AND p.payload = jsonb_build_object('threshold', NEW.threshold,
                'window', NEW."window", 'suspend_after_days', NEW.suspend_after_days, 'enabled', NEW.enabled)
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'a looser rule for anomalies needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER disclosures_anomalyrule_looser BEFORE INSERT ON disclosures_anomalyrule
    FOR EACH ROW EXECUTE FUNCTION disclosures_anomalyrule_looser();

-- The same as `disclosures.queries.rules.is_looser`.
CREATE OR REPLACE FUNCTION disclosures_looser(now disclosures_anomalyrule, was disclosures_anomalyrule) RETURNS boolean
LANGUAGE sql IMMUTABLE
    SET search_path = public, pg_temp
AS $$
    SELECT was.enabled AND NOT now.enabled OR now.threshold > was.threshold
        OR CASE now.kind WHEN 'dormant' THEN now."window" > was."window"
            WHEN 'disputed' THEN now."window" <> was."window" ELSE now."window" < was."window" END
        OR was.suspend_after_days IS NOT NULL
            AND coalesce(now.suspend_after_days > was.suspend_after_days, true)
$$;

-- The first look-up of a line between two moments, both excluded, that no order hides at a third, but for some rows.
CREATE OR REPLACE FUNCTION disclosures_next_look_up(line bigint, after timestamptz, before timestamptz,
    seen_at timestamptz, besides uuid[]) RETURNS timestamptz LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    first timestamptz;
BEGIN
    SELECT d.occurred_at INTO first FROM disclosures_disclosure d
    WHERE d.line_id = line AND d.occurred_at > after AND d.occurred_at < before AND d.basis = 'approval'
        AND d.outcome = 'released' AND NOT d.id = ANY (besides) AND NOT EXISTS (
            SELECT FROM disclosures_delayednotice n
            WHERE n.line_id = d.line_id AND n.disclosure_id = d.id
                AND (n.suppressed_until IS NULL OR n.suppressed_until > seen_at)
                AND NOT EXISTS (
                    SELECT FROM disclosures_delayednotice newer
                    WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id
                        AND newer.number > n.number))
    ORDER BY d.occurred_at LIMIT 1;
    RETURN first;
END $$;

-- Whether any judgement of a line changed since a moment.
CREATE OR REPLACE FUNCTION disclosures_judged_again(line bigint, since timestamptz) RETURNS boolean LANGUAGE plpgsql
    STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM disclosures_judgementchange WHERE line_id = line AND changed_at > since LIMIT 1;
    RETURN FOUND;
END $$;
