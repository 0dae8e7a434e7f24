-- The yes is to this key and certificate, and to what was so when it was proposed: each counts once. Nobody can sign in
-- by no key. An operator's act has an incident of its own; it lets in only one that never was.
CREATE OR REPLACE FUNCTION partners_client_two_officers() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    lets_in boolean := OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at;
    agreed uuid;
BEGIN
    IF NEW.public_jwk = '{}' AND NEW.disabled_at IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'enable_machine' AND p.of = 'machine' AND p.target_id = OLD.number AND p.decision = 'agreed'
            AND p.spent_at IS NULL AND p.decided_at <= NEW.changed_at
            AND p.proposed_at >= coalesce(OLD.changed_at, p.proposed_at)
            AND p.proposed_at >= coalesce(OLD.disabled_at, p.proposed_at)
            AND p.payload -> 'public_jwk' = NEW.public_jwk AND p.payload ->> 'certificate' = NEW.certificate_sha256
            AND NEW.disabled_at IS NULL
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NEW.changed_at IS NULL OR NEW.changed_at <= OLD.changed_at OR NOT partners_spend(agreed) AND NOT EXISTS (
        SELECT FROM audit_incident i
        WHERE i.kind = 'machine_by_operator' AND i.closed_at IS NULL AND i.key = format('machine:%s:%s', OLD.number,
                (extract(epoch FROM NEW.changed_at) * 1000000)::bigint)
            AND (NOT lets_in OR OLD.changed_at IS NULL AND NEW.disabled_at IS NULL))
    THEN
        RAISE EXCEPTION 'to let machine % in, or to change how it signs in, needs two officers', OLD.client_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_client_two_officers BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at
        OR NEW.public_jwk IS DISTINCT FROM OLD.public_jwk
        OR NEW.certificate_sha256 <> OLD.certificate_sha256 AND NEW.certificate_sha256 <> '')
    EXECUTE FUNCTION partners_client_two_officers();

CREATE OR REPLACE FUNCTION partners_client_waits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'to let machine % in needs two officers', NEW.client_id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_client_waits BEFORE INSERT ON partners_client FOR EACH ROW
    WHEN (NEW.disabled_at IS NULL OR NEW.changed_at IS NOT NULL) EXECUTE FUNCTION partners_client_waits();
