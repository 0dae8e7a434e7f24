"""What a company that we suspended goes on to look up is an anomaly of its own, from the first."""

from django.db import migrations, models

RULE = """
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
VALUES ('suspended', 1, 1, 30, NULL, true, 'As it was installed', 'system:install', audit_now());
"""


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0011_published_figures'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='anomalyrule',
            name='disclosures_anomalyrule_window',
        ),
        migrations.AlterField(
            model_name='anomaly',
            name='kind',
            field=models.CharField(choices=[('after_stop', 'Look-ups after the person said stop'), ('no_approval', 'Look-ups with no record that the person agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'A burst of look-ups of one line'), ('night', 'Look-ups of one line night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of a line that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=12),
        ),
        migrations.AlterField(
            model_name='anomalyrule',
            name='kind',
            field=models.CharField(choices=[('after_stop', 'Look-ups after the person said stop'), ('no_approval', 'Look-ups with no record that the person agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'A burst of look-ups of one line'), ('night', 'Look-ups of one line night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of a line that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='anomalyrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'burst'), ('window__gte', 1), ('window__lte', 1440)), models.Q(('kind', 'dormant'), ('window__gte', 31), ('window__lte', 730)), models.Q(('kind', 'disputed'), ('window__gte', 1), ('window__lte', 12)), models.Q(('kind', 'many_lines'), ('window__gte', 1), ('window__lte', 31)), models.Q(('kind__in', ('after_stop', 'no_approval', 'suspended', 'night')), ('window__gte', 1), ('window__lte', 366)), _connector='OR'), name='disclosures_anomalyrule_window'),
        ),
        migrations.RunSQL(RULE, migrations.RunSQL.noop),
    ]
