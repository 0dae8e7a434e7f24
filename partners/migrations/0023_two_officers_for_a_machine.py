"""Two officers let a machine in, with that key and certificate; or the operator, of which an incident tells them."""

from django.db import migrations, models

GUARDS = """
-- Those that could sign in before stay in; whatever is changed about them takes two.
UPDATE partners_client SET changed_at = coalesce(disabled_at, now());

-- The yes is to this key and certificate, and to what was so when it was proposed: each counts once. Nobody can sign in
-- by no key. An operator's act has an incident of its own; it lets in only one that never was.
CREATE FUNCTION partners_client_two_officers() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    lets_in boolean := OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at;
BEGIN
    IF NEW.public_jwk = '{}' AND NEW.disabled_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.changed_at IS NULL OR NEW.changed_at <= OLD.changed_at OR NOT EXISTS (
        SELECT FROM partners_proposal p
        WHERE p.act = 'enable_machine' AND p.of = 'machine' AND p.target_id = OLD.number AND p.decision = 'agreed'
            AND p.decided_by <> p.proposed_by AND p.decided_at <= NEW.changed_at
            AND p.proposed_at >= coalesce(OLD.changed_at, p.proposed_at)
            AND p.proposed_at >= coalesce(OLD.disabled_at, p.proposed_at)
            AND p.payload -> 'public_jwk' = NEW.public_jwk AND p.payload ->> 'certificate' = NEW.certificate_sha256
            AND NEW.disabled_at IS NULL
        ) AND NOT EXISTS (
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
DROP TRIGGER partners_client_let_in_again ON partners_client;
CREATE TRIGGER partners_client_two_officers BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at
        OR NEW.public_jwk IS DISTINCT FROM OLD.public_jwk
        OR NEW.certificate_sha256 <> OLD.certificate_sha256 AND NEW.certificate_sha256 <> '')
    EXECUTE FUNCTION partners_client_two_officers();
DROP FUNCTION partners_client_let_in_again;

CREATE FUNCTION partners_client_waits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'to let machine % in needs two officers', NEW.client_id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_client_waits BEFORE INSERT ON partners_client FOR EACH ROW
    WHEN (NEW.disabled_at IS NULL OR NEW.changed_at IS NOT NULL) EXECUTE FUNCTION partners_client_waits();

-- Otherwise an old yes would count again, for one of the same name or for what was changed since.
DROP TRIGGER partners_client_kept ON partners_client;
CREATE TRIGGER partners_client_kept BEFORE DELETE ON partners_client FOR EACH ROW
    EXECUTE FUNCTION audit_refuse_change();
DROP TRIGGER partners_client_number_kept ON partners_client;
CREATE TRIGGER partners_client_stays_itself BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN ((NEW.number, NEW.client_id, NEW.kind, NEW.party_id)
        IS DISTINCT FROM (OLD.number, OLD.client_id, OLD.kind, OLD.party_id)
        OR OLD.changed_at IS NOT NULL AND (NEW.changed_at IS NULL OR NEW.changed_at < OLD.changed_at))
    EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0022_decide_by_transition"), ("audit", "0017_machines_by_the_operator")]
    operations = [
        migrations.AddField("client", "changed_at", models.DateTimeField(null=True)),
        migrations.AlterField("proposal", "act", models.CharField(choices=[('lift_suspension', 'Lift a suspension'), ('extend_term', 'Extend a term'), ('relax_rule', 'Relax a rule of a state'), ('paid_for_less', 'Say that less is paid for a campaign'), ('terminate', 'Terminate'), ('enable_machine', 'Let a machine in'), ('loosen_anomalies', 'Loosen a rule for anomalies'), ('let_agent_ask', 'Let an agent ask for people')], max_length=20)),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
