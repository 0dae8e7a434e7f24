-- Looked up by the number's own key. Whoever writes lines does so alone, so nothing comes between.
CREATE OR REPLACE FUNCTION accounts_number_overlap() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_linenumber own JOIN accounts_linenumber other ON other.msisdn_hash = own.msisdn_hash
        WHERE own.id = NEW.id AND other.id <> own.id
            AND (own.ends_at IS NULL OR own.starts_at < own.ends_at AND other.starts_at < own.ends_at)
            AND (other.ends_at IS NULL OR other.starts_at < other.ends_at AND own.starts_at < other.ends_at))
    THEN
        RAISE EXCEPTION 'a number would be two lines'' at one moment'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'accounts_number_overlap';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS accounts_number_overlap ON accounts_linenumber;
CREATE CONSTRAINT TRIGGER accounts_number_overlap AFTER INSERT OR UPDATE OF ends_at ON accounts_linenumber
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_number_overlap();

CREATE OR REPLACE FUNCTION accounts_refuse_other() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'what names a row of % is never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER accounts_line_stays_itself BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN ((NEW.id, NEW.carrier_id) IS DISTINCT FROM (OLD.id, OLD.carrier_id))
    EXECUTE FUNCTION accounts_refuse_other();
CREATE OR REPLACE TRIGGER accounts_number_stays_with_its_line BEFORE UPDATE ON accounts_linenumber FOR EACH ROW
    WHEN ((NEW.id, NEW.line_id, NEW.msisdn_hash, NEW.starts_at)
        IS DISTINCT FROM (OLD.id, OLD.line_id, OLD.msisdn_hash, OLD.starts_at))
    EXECUTE FUNCTION accounts_refuse_other();

-- An end may be corrected to another moment, and never be taken away: what was agreed would count again.
CREATE OR REPLACE FUNCTION accounts_refuse_undoing() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'an end of % is not taken back', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER accounts_line_stays_ended BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.deactivated_at IS NOT NULL AND NEW.deactivated_at IS NULL)
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE OR REPLACE TRIGGER accounts_number_change_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.number_changed_at IS NOT NULL
        AND (NEW.number_changed_at IS NULL OR NEW.number_changed_at < OLD.number_changed_at))
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE OR REPLACE TRIGGER accounts_number_stays_ended BEFORE UPDATE ON accounts_linenumber FOR EACH ROW
    WHEN (OLD.ends_at IS NOT NULL AND NEW.ends_at IS NULL)
    EXECUTE FUNCTION accounts_refuse_undoing();
-- Nor is one that has come moved to a moment still to come.
CREATE OR REPLACE FUNCTION accounts_refuse_revival() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    was timestamptz := (to_jsonb(OLD) ->> TG_ARGV[0])::timestamptz;
    becomes timestamptz := (to_jsonb(NEW) ->> TG_ARGV[0])::timestamptz;
BEGIN
    IF was <= audit_now() AND becomes > audit_now() THEN
        RAISE EXCEPTION 'what has ended in % does not begin again', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER accounts_line_not_revived BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (NEW.deactivated_at > OLD.deactivated_at) EXECUTE FUNCTION accounts_refuse_revival('deactivated_at');
CREATE OR REPLACE TRIGGER accounts_number_not_revived BEFORE UPDATE ON accounts_linenumber FOR EACH ROW
    WHEN (NEW.ends_at > OLD.ends_at) EXECUTE FUNCTION accounts_refuse_revival('ends_at');

-- As with a new number: a moment that holds what a line opens moves on, and never back.
CREATE OR REPLACE TRIGGER accounts_sim_change_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.sim_changed_at IS NOT NULL
        AND (NEW.sim_changed_at IS NULL OR NEW.sim_changed_at < OLD.sim_changed_at))
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE OR REPLACE TRIGGER accounts_forwarding_change_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.forwarding_changed_at IS NOT NULL
        AND (NEW.forwarding_changed_at IS NULL OR NEW.forwarding_changed_at < OLD.forwarding_changed_at))
    EXECUTE FUNCTION accounts_refuse_undoing();

-- As with the changes themselves: what holds what a line opens moves on, and never back.
CREATE OR REPLACE TRIGGER accounts_change_known_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.change_known_at IS NOT NULL
        AND (NEW.change_known_at IS NULL OR NEW.change_known_at < OLD.change_known_at))
    EXECUTE FUNCTION accounts_refuse_undoing();
CREATE OR REPLACE TRIGGER accounts_holder_known_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    WHEN (OLD.holder_known_at IS NOT NULL
        AND (NEW.holder_known_at IS NULL OR NEW.holder_known_at < OLD.holder_known_at))
    EXECUTE FUNCTION accounts_refuse_undoing();
-- Looks at the column when it runs: this file is installed before the column is made.
CREATE OR REPLACE FUNCTION accounts_history_known_stays() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF OLD.history_known_at IS NOT NULL
        AND (NEW.history_known_at IS NULL OR NEW.history_known_at < OLD.history_known_at)
    THEN
        RAISE EXCEPTION 'an end of % is not taken back', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER accounts_history_known_stays BEFORE UPDATE ON accounts_line FOR EACH ROW
    EXECUTE FUNCTION accounts_history_known_stays();
