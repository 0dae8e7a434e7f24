from django.db import migrations, models

# Whether an order hides what is held already stands under its seal: it is in no count for officers.
UNKNOWN_IS_HIDDEN = "UPDATE disclosures_helddisclosure SET suppressed_until = '9999-12-31 00:00:00+00'"


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0014_orders_kept_outside'),
    ]

    operations = [
        migrations.AddField(
            model_name='helddisclosure',
            name='gateway',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='helddisclosure',
            name='suppressed_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='helddisclosure',
            name='ungated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='helddisclosure',
            name='ungated_from',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(UNKNOWN_IS_HIDDEN, migrations.RunSQL.noop),
    ]
