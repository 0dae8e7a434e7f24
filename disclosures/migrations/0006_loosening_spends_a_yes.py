"""Keep figures of past months. That only what loosens a rule for anomalies spends a yes is in `sql/` by now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("disclosures", "0005_past_figures")]
    dependencies = [("disclosures", "0002_rules"), ("consent", "0033_ask_first_whether_a_no_can_affect_anybody")]
    operations = [
        migrations.CreateModel(
            name='PastFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=20)),
                ('made_at', models.DateTimeField()),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('rows', models.JSONField()),
                ('query', models.CharField(max_length=8000)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'since'), name='disclosures_pastfigure_once'), models.CheckConstraint(condition=models.Q(('since__lt', models.F('until')), ('until__lte', models.F('made_at'))), name='disclosures_pastfigure_days')],
            },
        ),
    ]
