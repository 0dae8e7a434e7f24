CREATE OR REPLACE FUNCTION consent_held_choice_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF OLD.choice_id IS NOT NULL AND NOT EXISTS (SELECT FROM consent_choice WHERE id = OLD.choice_id) THEN
        RAISE EXCEPTION 'a choice that waits is removed only once it is in the ledger'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_held_choice_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER consent_held_choice_stays BEFORE DELETE ON consent_heldrow
    FOR EACH ROW EXECUTE FUNCTION consent_held_choice_stays();
