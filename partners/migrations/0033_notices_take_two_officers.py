from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0032_imports_take_two_officers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='proposal',
            name='act',
            field=models.CharField(choices=[('lift_suspension', 'Lift a suspension'), ('extend_term', 'Extend a term'), ('relax_rule', 'End a state rule'), ('paid_for_less', 'Record a lower payment for a campaign'), ('terminate', 'Terminate'), ('enable_machine', 'Activate an API client'), ('loosen_anomalies', 'Loosen an anomaly rule'), ('let_agent_ask', 'Activate an authorized agent'), ('end_protection', "End a line's protection"), ('set_endpoints', 'Change endpoints'), ('move_keys', 'Change a key address'), ('import_file', 'Import a file'), ('publish_notice', 'Publish a notice')], max_length=20),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='of',
            field=models.CharField(choices=[('party', 'Company'), ('contract', 'Contract'), ('campaign', 'Campaign'), ('rule', 'State rule'), ('machine', 'API client'), ('anomaly', 'Anomaly rule'), ('authorized', 'Authorized agent'), ('protection', 'Line protection'), ('import', 'File import'), ('notice', 'Notice')], max_length=10),
        ),
        InstallSQL("notices"),
    ]
