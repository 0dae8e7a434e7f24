-- An epoch never falls: an order of an older one could come to count again. No contract becomes a draft again.
CREATE OR REPLACE FUNCTION partners_epoch_never_falls() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.epoch < OLD.epoch OR NEW.is_draft AND NOT OLD.is_draft THEN
        RAISE EXCEPTION 'an epoch never falls, and what was in force is no draft'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_epoch_never_falls';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_epoch_never_falls BEFORE UPDATE ON partners_contract
    FOR EACH ROW EXECUTE FUNCTION partners_epoch_never_falls();

CREATE OR REPLACE FUNCTION partners_term_only_shrinks() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    agreed uuid;
    longer boolean := NOT OLD.is_draft AND NEW.ends_at > OLD.ends_at;
BEGIN
    IF longer THEN
        SELECT p.id INTO agreed FROM partners_proposal p
            WHERE p.act = 'extend_term' AND p.of = TG_ARGV[0] AND p.target_id = OLD.id AND p.decision = 'agreed'
                AND p.spent_at IS NULL AND (p.payload ->> 'ends_at')::timestamptz = NEW.ends_at
                AND (p.payload ->> 'was')::timestamptz = OLD.ends_at
            ORDER BY p.decided_at DESC LIMIT 1;
    END IF;
    IF NOT OLD.is_draft AND NEW.starts_at < OLD.starts_at OR longer AND NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'a longer term needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_term_only_shrinks';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_term_only_shrinks BEFORE UPDATE ON partners_contract
    FOR EACH ROW EXECUTE FUNCTION partners_term_only_shrinks('contract');
CREATE OR REPLACE TRIGGER partners_term_only_shrinks BEFORE UPDATE ON partners_campaign
    FOR EACH ROW EXECUTE FUNCTION partners_term_only_shrinks('campaign');

-- No file and no officer widens what was signed (partners.feeds.terms): that is another contract.
CREATE OR REPLACE FUNCTION partners_contract_only_narrows() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'contract % would allow more purposes or more time than was signed', OLD.ref
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_contract_only_narrows BEFORE UPDATE ON partners_contract FOR EACH ROW
    WHEN (NOT OLD.is_draft AND (NOT NEW.purposes <@ OLD.purposes OR NEW.ack_within_s > OLD.ack_within_s
        OR NEW.complete_within_days > OLD.complete_within_days))
    EXECUTE FUNCTION partners_contract_only_narrows();

CREATE OR REPLACE FUNCTION partners_refuse_other() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'what names a row of % is never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_party_stays_itself BEFORE UPDATE ON partners_party FOR EACH ROW
    WHEN ((NEW.id, NEW.uri) IS DISTINCT FROM (OLD.id, OLD.uri))
    EXECUTE FUNCTION partners_refuse_other();
CREATE OR REPLACE TRIGGER partners_contract_stays_itself BEFORE UPDATE ON partners_contract FOR EACH ROW
    WHEN ((NEW.id, NEW.ref, NEW.aggregator_id) IS DISTINCT FROM (OLD.id, OLD.ref, OLD.aggregator_id))
    EXECUTE FUNCTION partners_refuse_other();
CREATE OR REPLACE TRIGGER partners_campaign_stays_itself BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN ((NEW.id, NEW.ref) IS DISTINCT FROM (OLD.id, OLD.ref))
    EXECUTE FUNCTION partners_refuse_other();

CREATE OR REPLACE FUNCTION partners_no_draft_again() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'campaign % was in force: it is no draft again', OLD.ref
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_campaign_no_draft_again BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NEW.is_draft AND NOT OLD.is_draft) EXECUTE FUNCTION partners_no_draft_again();

-- Nothing said counts as nothing paid, as where officers decide (partners.policies.loosening.PAID).
CREATE OR REPLACE FUNCTION partners_paid(consideration text) RETURNS integer LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE consideration WHEN 'monetary' THEN 2 WHEN 'other' THEN 1 ELSE 0 END;
END;

CREATE OR REPLACE FUNCTION partners_paid_for_less() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    agreed uuid;
BEGIN
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'paid_for_less' AND p.of = 'campaign' AND p.target_id = OLD.id AND p.decision = 'agreed'
            AND p.spent_at IS NULL AND p.payload->>'consideration' = NEW.consideration
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'that less is paid for campaign % needs two officers', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_paid_for_less BEFORE UPDATE ON partners_campaign FOR EACH ROW
    WHEN (NOT OLD.is_draft AND partners_paid(NEW.consideration) < partners_paid(OLD.consideration))
    EXECUTE FUNCTION partners_paid_for_less();

CREATE OR REPLACE FUNCTION partners_only_drafts_go() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF OLD.is_draft THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'what was in force stays on record'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER partners_contract_kept BEFORE DELETE ON partners_contract FOR EACH ROW
    EXECUTE FUNCTION partners_only_drafts_go();
CREATE OR REPLACE TRIGGER partners_campaign_kept BEFORE DELETE ON partners_campaign FOR EACH ROW
    EXECUTE FUNCTION partners_only_drafts_go();

-- The cover of a campaign is the owner's to write.
CREATE OR REPLACE FUNCTION partners_discard_draft(kind text, which bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF kind = 'contract' THEN
        DELETE FROM partners_contract WHERE id = which AND is_draft;
        RETURN;
    END IF;
    DELETE FROM partners_reach WHERE campaign_id IN (SELECT id FROM partners_campaign WHERE id = which AND is_draft);
    DELETE FROM partners_cover WHERE campaign_id IN (SELECT id FROM partners_campaign WHERE id = which AND is_draft);
    DELETE FROM partners_campaign WHERE id = which AND is_draft;
END $$;
