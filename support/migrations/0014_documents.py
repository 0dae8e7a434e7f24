"""Keep the documents that officers sign."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0013_notification_channels'),
    ]

    operations = [
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('certificate', 'Annual CPNI certificate'), ('ccpa', 'CCPA metrics'), ('breach', 'Breach notification'), ('company', 'Evidence pack of a company'), ('case', 'Evidence pack of a case')], max_length=12)),
                ('about', models.CharField(max_length=40)),
                ('title', models.CharField(max_length=200)),
                ('line_id', models.BigIntegerField(null=True)),
                ('made_at', models.DateTimeField()),
                ('made_by', models.CharField(max_length=40)),
                ('sha256', models.CharField(max_length=64)),
                ('pdf_sealed', models.BinaryField()),
            ],
            options={
                'indexes': [models.Index(fields=['-made_at'], name='support_document_newest')],
            },
        ),
    ]
