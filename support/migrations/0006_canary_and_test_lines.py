"""The hourly trial of stopping with a line of our own, and test lines at partners."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0005_protected_lines'),
    ]

    operations = [
        migrations.CreateModel(
            name='CanaryRun',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField()),
                ('step', models.CharField(choices=[('allow', 'saying yes'), ('page', 'stopping on the page'), ('gate', "the gate's no"), ('receipt', 'our receipt'), ('push', 'telling the company'), ('signed', "the company's receipt"), ('again', 'saying yes again')], default='allow', max_length=10)),
                ('finished_at', models.DateTimeField(null=True)),
                ('failed', models.CharField(blank=True, max_length=200)),
                ('seconds', models.JSONField(blank=True, default=dict)),
                ('order_id', models.UUIDField(null=True)),
                ('heard_order_id', models.UUIDField(null=True)),
                ('heard_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('failed', ''), ('finished_at__isnull', False), _connector='OR'), name='support_canaryrun_failed_ends'), models.UniqueConstraint(condition=models.Q(('finished_at__isnull', True)), fields=('finished_at',), name='support_canaryrun_one_at_a_time', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='SeedLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('marked_at', models.DateTimeField()),
                ('marked_by', models.CharField(max_length=40)),
                ('about', models.CharField(max_length=500)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('line_id',), name='support_seedline_once')],
            },
        ),
    ]
