"""Keep the files that officers import in the console, and hold their import to two officers where it loosens."""

import disclosures.models.uploads
import django.db.models.deletion
from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0006_loosening_spends_a_yes'),
        ('partners', '0032_imports_take_two_officers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigIntegerField(default=disclosures.models.uploads.new_id, primary_key=True, serialize=False)),
                ('feed', models.CharField(choices=[('parties', 'Companies, contracts and campaigns'), ('lines', 'Lines'), ('approvals', 'Consents'), ('choices', 'Choices'), ('disclosures', 'Releases'), ('notices', 'Delayed notices')], max_length=11)),
                ('loosens', models.BooleanField()),
                ('size', models.PositiveIntegerField()),
                ('digest', models.BinaryField()),
                ('total', models.PositiveIntegerField()),
                ('uploaded_by', models.CharField(max_length=120)),
                ('uploaded_at', models.DateTimeField()),
                ('reason', models.CharField(max_length=500)),
                ('state', models.CharField(choices=[('waiting', 'Dry run in progress'), ('checked', 'Waiting for a decision'), ('agreed', 'Import in progress'), ('imported', 'Imported'), ('failed', 'Failed'), ('discarded', 'Discarded')], default='waiting', max_length=9)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('leased_until', models.DateTimeField(null=True)),
                ('done', models.PositiveIntegerField(default=0)),
                ('accepted', models.PositiveIntegerField(default=0)),
                ('repeated', models.PositiveIntegerField(default=0)),
                ('rejected', models.PositiveIntegerField(default=0)),
                ('outcome', models.JSONField(default=dict)),
                ('rejects', models.JSONField(default=list)),
                ('checked_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(default='', max_length=120)),
                ('decided_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('agreed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to='partners.proposal')),
            ],
        ),
        migrations.CreateModel(
            name='UploadPart',
            fields=[
                ('pk', models.CompositePrimaryKey('upload_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('sealed', models.BinaryField()),
                ('upload', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='disclosures.upload')),
            ],
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('state__in', ['waiting', 'checked', 'agreed'])), fields=['uploaded_at'], name='disclosures_upload_open'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('feed__in', ['parties', 'lines', 'approvals']), _negated=True), ('loosens', True), _connector='OR'), name='disclosures_upload_loosens'),
        ),
        InstallSQL("uploads"),
    ]
