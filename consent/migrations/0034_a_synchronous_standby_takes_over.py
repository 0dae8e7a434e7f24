"""Let the cluster's manager say that a synchronous standby took over, so that a comparison may open the gate."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

OWNER_ALONE = "REVOKE EXECUTE ON FUNCTION consent_gate_took_over() FROM PUBLIC"


class Migration(migrations.Migration):
    dependencies = [("consent", "0033_ask_first_whether_a_no_can_affect_anybody")]
    operations = [InstallSQL("gate_opening"), migrations.RunSQL(OWNER_ALONE, migrations.RunSQL.noop)]
