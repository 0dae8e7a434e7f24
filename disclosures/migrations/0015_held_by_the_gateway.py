from django.db import migrations, models


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
    ]
