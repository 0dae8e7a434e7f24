"""Authorised agents have a number, and two officers let one ask for people: under that name, with that key and hosts."""

from django.db import migrations, models

SEQUENCE = "CREATE SEQUENCE partners_authorizedagent_number"
GUARDS = """
-- The yes is to this name, key and hosts, and to what was so when it was proposed: each counts once.
CREATE FUNCTION partners_agent_two_officers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.changed_at IS NULL OR NOT EXISTS (
        SELECT FROM partners_proposal p
        WHERE p.act = 'let_agent_ask' AND p.of = 'authorized' AND p.target_id = OLD.number AND p.decision = 'agreed'
            AND p.decided_by <> p.proposed_by AND p.proposed_at >= COALESCE(OLD.changed_at, OLD.registered_at)
            AND p.decided_at <= NEW.changed_at AND p.payload ->> 'name' = NEW.name
            AND p.payload ->> 'key' = encode(NEW.verify_key, 'base64') AND p.payload -> 'hosts' = NEW.hosts)
    THEN
        RAISE EXCEPTION 'to let agent % ask for people needs two officers', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_agent_two_officers BEFORE UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN ((OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL)
        OR (NEW.name, NEW.verify_key, NEW.hosts) IS DISTINCT FROM (OLD.name, OLD.verify_key, OLD.hosts))
    EXECUTE FUNCTION partners_agent_two_officers();
CREATE FUNCTION partners_agent_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'to let agent % ask for people needs two officers', NEW.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER partners_agent_waits BEFORE INSERT ON partners_authorizedagent FOR EACH ROW
    WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION partners_agent_waits();

-- Otherwise an old yes would count again, for one of the same name or for what was changed since.
CREATE TRIGGER partners_agent_kept BEFORE DELETE ON partners_authorizedagent FOR EACH ROW
    EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_agent_named BEFORE UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN ((NEW.number, NEW.id, NEW.registered_at) IS DISTINCT FROM (OLD.number, OLD.id, OLD.registered_at)
        OR (OLD.changed_at IS NOT NULL AND (NEW.changed_at IS NULL OR NEW.changed_at < OLD.changed_at)))
    EXECUTE FUNCTION audit_refuse_change();
"""
ACTS = [
    ("lift_suspension", "Lift a suspension"), ("extend_term", "Extend a term"), ("relax_rule", "Relax a rule of a state"),
    ("paid_for_less", "Say that less is paid for a campaign"), ("terminate", "Terminate"),
    ("enable_machine", "Let a machine in again"), ("loosen_anomalies", "Loosen a rule for anomalies"),
    ("let_agent_ask", "Let an agent ask for people"),
]
ABOUT = [
    ("party", "Party"), ("contract", "Contract"), ("campaign", "Campaign"), ("rule", "Rule of a state"),
    ("machine", "Machine"), ("anomaly", "Rule for anomalies"), ("authorized", "Authorized agent"),
]


class Migration(migrations.Migration):

    dependencies = [("partners", "0016_token_asked_at")]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE partners_authorizedagent_number"),
        migrations.AddField(
            model_name="authorizedagent",
            name="number",
            field=models.BigIntegerField(
                db_default=models.Func(models.Value("partners_authorizedagent_number"), function="nextval"),
                editable=False, unique=True,
            ),
        ),
        migrations.AddField("authorizedagent", "changed_at", models.DateTimeField(null=True)),
        migrations.AlterField("proposal", "act", models.CharField(choices=ACTS, max_length=20)),
        migrations.AlterField("proposal", "of", models.CharField(choices=ABOUT, max_length=10)),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
