"""What 1.0.0 added to a database of 0.1.0: Connecticut's rule. It is not confirmed by counsel yet."""

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
# It comes with the product, so that it is not kept outside. What comes after this installs the trigger again.
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
    replaces = [
        ("consent", "0024_functions_look_in_our_schema"),
        ("consent", "0025_decide_by_transition"),
        ("consent", "0026_plans_are_kept"),
        ("consent", "0027_connecticut"),
        ("consent", "0028_find_by_the_line_s_index"),
        ("consent", "0029_check_stops_that_concern_nobody"),
    ]
    dependencies = [
        ("consent", "0023_set_aside"),
        ("partners", "0029_a_yes_is_spent_once"),
        ("accounts", "0001_initial"),
        ("audit", "0022_plain_labels"),
    ]
    operations = [
        migrations.RunSQL(NOT_KEPT, migrations.RunSQL.noop),
        migrations.RunPython(write_down, migrations.RunPython.noop),
    ]
