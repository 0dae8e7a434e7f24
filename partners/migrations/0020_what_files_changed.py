"""What parties files changed waits until what rests on it came up to it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0019_links_take_turns'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnsettledChange',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('campaign', 'Campaign'), ('link', 'Link'), ('company', 'Company')], max_length=10)),
                ('of', models.CharField(blank=True, choices=[('party', 'Party'), ('purpose', 'Purpose'), ('campaign', 'Campaign')], max_length=10)),
                ('ref', models.CharField(max_length=1000)),
                ('recorded_at', models.DateTimeField()),
            ],
        ),
    ]
