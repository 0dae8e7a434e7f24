"""What no single officer can loosen, and the first wording of each notice."""

from django.db import migrations

GUARDS = """
-- A proposal is decided once, and nothing else of it changes.
CREATE FUNCTION partners_proposal_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision <> '' OR (NEW.id, NEW.act, NEW.of, NEW.target_id, NEW.payload, NEW.reason, NEW.proposed_by,
        NEW.proposed_at) IS DISTINCT FROM (OLD.id, OLD.act, OLD.of, OLD.target_id, OLD.payload, OLD.reason,
        OLD.proposed_by, OLD.proposed_at)
    THEN
        RAISE EXCEPTION 'a proposal is decided once and never changed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_proposal_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_proposal_decided_once BEFORE UPDATE ON partners_proposal
    FOR EACH ROW EXECUTE FUNCTION partners_proposal_decided_once();
CREATE TRIGGER partners_proposal_kept BEFORE DELETE ON partners_proposal
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION partners_agreed(proposal uuid, wanted text, what text, target bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM partners_proposal p WHERE p.id = proposal AND p.act = wanted AND p.of = what
        AND p.target_id = target AND p.decision = 'agreed' AND p.decided_by <> p.proposed_by)
$$;

CREATE FUNCTION partners_suspension_lift() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.of, NEW.target_id, NEW.automatic, NEW.starts_at, NEW.reason, NEW.actor)
        IS DISTINCT FROM (OLD.of, OLD.target_id, OLD.automatic, OLD.starts_at, OLD.reason, OLD.actor)
        OR (OLD.ends_at IS NOT NULL AND (NEW.ends_at IS NULL OR NEW.ends_at <> OLD.ends_at))
    THEN
        RAISE EXCEPTION 'a suspension is lifted or left as it is'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_suspension_lift';
    END IF;
    IF NEW.ends_at IS NOT NULL AND OLD.ends_at IS NULL
        AND NOT partners_agreed(NEW.lifted_by_id, 'lift_suspension', OLD.of, OLD.target_id)
    THEN
        RAISE EXCEPTION 'lifting a suspension needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_suspension_lift';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_suspension_lift BEFORE UPDATE ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION partners_suspension_lift();
CREATE TRIGGER partners_suspension_kept BEFORE DELETE ON partners_suspension
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION partners_rule_relaxed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state, NEW.starts_at, NEW.purposes, NEW.sale_test, NEW.source)
        IS DISTINCT FROM (OLD.state, OLD.starts_at, OLD.purposes, OLD.sale_test, OLD.source)
        OR NEW.ends_at IS NOT DISTINCT FROM OLD.ends_at OR NEW.ends_at IS NULL OR OLD.ends_at IS NOT NULL
        OR NOT partners_agreed(NEW.relaxed_by_id, 'relax_rule', 'rule', OLD.id)
    THEN
        RAISE EXCEPTION 'a rule only ever ends, and that needs two officers'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_rule_relaxed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_rule_relaxed BEFORE UPDATE ON partners_jurisdictionrule
    FOR EACH ROW EXECUTE FUNCTION partners_rule_relaxed();
CREATE TRIGGER partners_rule_kept BEFORE DELETE ON partners_jurisdictionrule
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

-- An epoch never falls: an order of an older one could come to count again. No contract becomes a draft again.
CREATE FUNCTION partners_epoch_never_falls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.epoch < OLD.epoch OR NEW.is_draft AND NOT OLD.is_draft THEN
        RAISE EXCEPTION 'an epoch never falls, and what was in force is no draft'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partners_epoch_never_falls';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_epoch_never_falls BEFORE UPDATE ON partners_contract
    FOR EACH ROW EXECUTE FUNCTION partners_epoch_never_falls();

CREATE TRIGGER partners_noticetext_append_only BEFORE UPDATE OR DELETE ON partners_noticetext
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

INSERT INTO partners_noticetext (use, language, version, body, published_at, actor) VALUES
    ('allow', 'en', 1, 'If you say yes, {companies} may learn where your phone is, for this only: {purpose}. How exactly: {precision}. Until: {until}. Saying no changes nothing about your phone service, and you can stop at any time on this page.', '2026-01-01+00', 'system:install'),
    ('allow', 'es', 1, 'Si dice que sí, {companies} podrán saber dónde está su teléfono, solo para esto: {purpose}. Con qué exactitud: {precision}. Hasta: {until}. Decir que no no cambia nada de su servicio, y puede detenerlo cuando quiera en esta página.', '2026-01-01+00', 'system:install'),
    ('ask', 'en', 1, 'A company says that you agreed. If you say yes, {companies} may learn where your phone is, for this only: {purpose}. How exactly: {precision}. Until: {until}. Saying no changes nothing about your phone service. Nobody is told why you answered as you did.', '2026-01-01+00', 'system:install'),
    ('ask', 'es', 1, 'Una empresa dice que usted aceptó. Si dice que sí, {companies} podrán saber dónde está su teléfono, solo para esto: {purpose}. Con qué exactitud: {precision}. Hasta: {until}. Decir que no no cambia nada de su servicio. Nadie sabrá por qué respondió así.', '2026-01-01+00', 'system:install'),
    ('stop', 'en', 1, 'Stopping is in force at once and stays until you yourself allow again. It changes nothing about your phone service. 911 can still find you.', '2026-01-01+00', 'system:install'),
    ('stop', 'es', 1, 'La detención vale de inmediato y dura hasta que usted mismo vuelva a permitir. No cambia nada de su servicio. El 911 aún puede encontrarle.', '2026-01-01+00', 'system:install');
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0003_officers"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
