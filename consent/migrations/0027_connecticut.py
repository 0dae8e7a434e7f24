"""What a rule of a state says of radius and payment is kept outside too; and Connecticut's rule is written down.

Like the first three it comes with the product, so that it is not kept outside. It is not confirmed by counsel yet.
"""

from datetime import UTC, datetime

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
PURPOSES = ["dpv:SellDataToThirdParties", "dpv:DirectMarketing", "dpv:TargetedAdvertising"]
SOURCE = (
    "Connecticut Public Act 26-64: no sale, sharing or transfer of precise geolocation, nor access to it."
    " Not yet confirmed by counsel"
)
KEPT = """
CREATE TRIGGER consent_rule_is_kept AFTER INSERT ON partners_jurisdictionrule FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('rule', 'state', 'starts_at', 'purposes', 'sale_test', 'consideration',
        'max_radius_m', 'source');
"""
KEPT_BEFORE = """
CREATE TRIGGER consent_rule_is_kept AFTER INSERT ON partners_jurisdictionrule FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('rule', 'state', 'starts_at', 'purposes', 'sale_test', 'source');
"""
NOT_KEPT = "DROP TRIGGER consent_rule_is_kept ON partners_jurisdictionrule"


def write_down(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Add the rule, unless officers added one from that day.

    In an installation in use the trail says so: by that what was released since is judged again, and partners are told.
    """
    using = editor.connection.alias
    rules = apps.get_model("partners", "JurisdictionRule").objects.using(using)
    if rules.filter(state="CT", starts_at=SINCE).exists():
        return
    rule = rules.create(state="CT", starts_at=SINCE, purposes=PURPOSES, sale_test=True, source=SOURCE)
    if not apps.get_model("accounts", "Line").objects.using(using).exists():
        return
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        ((now,),) = cursor.fetchall()
    apps.get_model("audit", "AuditEvent").objects.using(using).create(
        at=now, action="rule.added", actor="system:migrate", target=f"rule:{rule.pk}",
        reason="It comes with the product.", detail={"state": "CT"},
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0026_plans_are_kept"),
        ("partners", "0026_rules_within_a_radius"),
        ("accounts", "0001_initial"),
        ("audit", "0016_decide_by_transition"),
    ]
    operations = [
        migrations.RunSQL(NOT_KEPT, KEPT_BEFORE),
        migrations.RunPython(write_down, migrations.RunPython.noop),
        migrations.RunSQL(KEPT, NOT_KEPT),
    ]
