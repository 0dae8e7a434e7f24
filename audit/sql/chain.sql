CREATE OR REPLACE FUNCTION audit_event_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
-- By the index, however many old versions of a head an import leaves behind.
SET enable_seqscan = off SET search_path = public, pg_temp
AS $$
DECLARE head audit_chainhead;
BEGIN
    NEW.chain := (coalesce(NEW.line_id, hashtext(NEW.target)::bigint) & 15)::smallint;
    SELECT * INTO head FROM audit_chainhead WHERE chain = NEW.chain FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.prev_hash := head.hash;
    NEW.hash := sha256(head.hash || convert_to(audit_event_text(NEW), 'UTF8'));
    UPDATE audit_chainhead SET seq = NEW.seq, hash = NEW.hash WHERE chain = NEW.chain;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER audit_event_chain BEFORE INSERT ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_event_chain();

CREATE OR REPLACE FUNCTION audit_event_text(e audit_auditevent) RETURNS text LANGUAGE sql STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_array(e.chain, e.seq, (extract(epoch FROM e.at) * 1000000)::bigint,
        e.action, e.actor, e.target, e.line_id, e.reason, e.detail)::text
$$;
