"""What else tightens waits to be kept outside the database: rules of states, kin, ends of access, shorter terms."""

import django.contrib.postgres.functions
from django.db import migrations, models

KEEPING = """
-- A row for each act that tightens, in its own transaction. TG_ARGV: what kind it is, then the columns that say it.
CREATE FUNCTION consent_tightening_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO consent_tightening (kind, said, at)
    SELECT TG_ARGV[0], jsonb_object_agg(name, to_jsonb(NEW) -> name), clock_timestamp()
    FROM unnest(TG_ARGV[1:TG_NARGS - 1]) AS name;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_rule_is_kept AFTER INSERT ON partners_jurisdictionrule FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('rule', 'state', 'starts_at', 'purposes', 'sale_test', 'source');
CREATE TRIGGER consent_kin_is_kept AFTER INSERT ON partners_kin FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('kin', 'of', 'ref', 'kin_ref', 'link');
CREATE TRIGGER consent_machine_is_kept AFTER UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('machine', 'client_id');
CREATE TRIGGER consent_machine_key_is_kept AFTER UPDATE ON partners_client FOR EACH ROW
    WHEN (OLD.public_jwk IS DISTINCT FROM NEW.public_jwk)
    EXECUTE FUNCTION consent_tightening_is_kept('key', 'client_id', 'public_jwk');
-- A term that grew is kept too: only the newest of a use or an agreement counts.
CREATE TRIGGER consent_contract_term_is_kept AFTER UPDATE ON partners_contract FOR EACH ROW
    WHEN (OLD.ends_at IS DISTINCT FROM NEW.ends_at)
    EXECUTE FUNCTION consent_tightening_is_kept('contract', 'ref', 'ends_at');
CREATE TRIGGER consent_campaign_term_is_kept AFTER UPDATE ON partners_campaign FOR EACH ROW
    WHEN (OLD.ends_at IS DISTINCT FROM NEW.ends_at)
    EXECUTE FUNCTION consent_tightening_is_kept('campaign', 'ref', 'ends_at');
CREATE TRIGGER consent_payment_is_kept AFTER UPDATE ON partners_campaign FOR EACH ROW
    WHEN (OLD.consideration IS DISTINCT FROM NEW.consideration)
    EXECUTE FUNCTION consent_tightening_is_kept('payment', 'ref', 'consideration');
CREATE TRIGGER consent_agent_is_kept AFTER UPDATE ON partners_authorizedagent FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('agent', 'id');
CREATE TRIGGER consent_delegation_is_kept AFTER UPDATE ON accounts_delegation FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION consent_tightening_is_kept('delegation', 'id');
CREATE TRIGGER consent_sign_in_is_kept AFTER UPDATE ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION consent_tightening_is_kept('user', 'id', 'date_joined');
"""
UNDO = "DROP FUNCTION consent_tightening_is_kept CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0015_kept_outside"),
        ("partners", "0017_two_officers_for_an_agent"),
        ("accounts", "0016_a_code_for_support"),
    ]
    operations = [
        migrations.CreateModel(
            name="Tightening",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("said", models.JSONField()),
                ("at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=["at"],
                        name="consent_tightening_waits",
                    )
                ],
            },
        ),
        migrations.RunSQL(KEEPING, UNDO),
    ]
