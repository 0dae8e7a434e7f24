"""Two officers change a partner's endpoints and the address of its keys; or the operator, and an incident tells them."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("partners", "0002_rules"), ("audit", "0020_addresses_by_the_operator")]
    operations = [
        migrations.AlterField("proposal", "act", models.CharField(choices=[('lift_suspension', 'Lift a suspension'), ('extend_term', 'Extend a term'), ('relax_rule', 'Relax a rule of a state'), ('paid_for_less', 'Say that less is paid for a campaign'), ('terminate', 'Terminate'), ('enable_machine', 'Let a machine in'), ('loosen_anomalies', 'Loosen a rule for anomalies'), ('let_agent_ask', 'Let an agent ask for people'), ('end_protection', 'End the protection of a line'), ('set_endpoints', 'Change endpoints'), ('move_keys', 'Change the address of keys')], max_length=20)),
        InstallSQL("addresses"),
    ]
