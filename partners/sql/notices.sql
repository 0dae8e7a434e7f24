-- What two officers agreed to, as they read it, from the moment on which they agreed and never for the past. A yes is to
-- what follows one version, or (0) to the first in its language. A process of 1.0, which knows one officer, takes the
-- refusal for another's newer version and says so in its form: it knows no other.
CREATE OR REPLACE FUNCTION partners_notice_two_officers() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    was partners_noticetext;
    agreed uuid;
BEGIN
    SELECT * INTO was FROM partners_noticetext WHERE use = NEW.use AND language = NEW.language
        ORDER BY version DESC LIMIT 1;
    SELECT p.id INTO agreed FROM partners_proposal p
        WHERE p.act = 'publish_notice' AND p.of = 'notice' AND p.target_id = coalesce(was.id, 0)
            AND p.decision = 'agreed' AND p.spent_at IS NULL
            AND p.payload - 'starts_at' = jsonb_build_object('use', NEW.use, 'language', NEW.language, 'body', NEW.body)
            AND NEW.published_at = greatest((p.payload ->> 'starts_at')::timestamptz, p.decided_at)
        ORDER BY p.decided_at DESC LIMIT 1;
    IF NEW.version <> coalesce(was.version, 0) + 1 OR NOT partners_spend(agreed) THEN
        RAISE EXCEPTION 'the next wording of a notice needs two officers'
            USING ERRCODE = 'unique_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER partners_notice_two_officers BEFORE INSERT ON partners_noticetext
    FOR EACH ROW EXECUTE FUNCTION partners_notice_two_officers();
