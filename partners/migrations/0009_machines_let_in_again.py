"""Machines have a number, and one that is disabled is let in again by two officers."""

from django.db import migrations, models

SEQUENCE = "CREATE SEQUENCE partners_client_number"
GUARDS = """
-- The yes is to this machine with this key, given after it was disabled; so that each yes counts once.
CREATE FUNCTION partners_client_let_in_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.disabled_at IS NOT NULL OR NEW.public_jwk <> OLD.public_jwk OR NOT EXISTS (
        SELECT FROM partners_proposal p
        WHERE p.act = 'enable_machine' AND p.of = 'machine' AND p.target_id = OLD.number AND p.decision = 'agreed'
            AND p.decided_by <> p.proposed_by AND p.proposed_at >= OLD.disabled_at)
    THEN
        RAISE EXCEPTION 'to let machine % in again needs two officers', OLD.client_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partners_client_let_in_again BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at)
    EXECUTE FUNCTION partners_client_let_in_again();

-- Otherwise one that is disabled would be let in as a new one of the same name, or by another's proposal.
CREATE TRIGGER partners_client_kept BEFORE DELETE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NOT NULL) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER partners_client_number_kept BEFORE UPDATE ON partners_client FOR EACH ROW
    WHEN ((NEW.number, NEW.client_id) IS DISTINCT FROM (OLD.number, OLD.client_id))
    EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0008_two_officers_for_all'),
    ]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE partners_client_number"),
        migrations.AddField(
            model_name='client',
            name='number',
            field=models.BigIntegerField(db_default=models.Func(models.Value('partners_client_number'), function='nextval'), editable=False, unique=True),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='act',
            field=models.CharField(choices=[('lift_suspension', 'Lift a suspension'), ('extend_term', 'Extend a term'), ('relax_rule', 'Relax a rule of a state'), ('paid_for_less', 'Say that less is paid for a campaign'), ('terminate', 'Terminate'), ('enable_machine', 'Let a machine in again')], max_length=20),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='of',
            field=models.CharField(choices=[('party', 'Party'), ('contract', 'Contract'), ('campaign', 'Campaign'), ('rule', 'Rule of a state'), ('machine', 'Machine')], max_length=10),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
