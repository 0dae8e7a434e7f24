import datetime
import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Disclosure',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'occurred_at', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('occurred_at', models.DateTimeField()),
                ('id', models.UUIDField()),
                ('source_id', models.CharField(max_length=1000)),
                ('aggregator', models.CharField(max_length=1000)),
                ('path', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=1000))),
                ('campaign', models.CharField(blank=True, max_length=1000)),
                ('purpose', models.CharField(max_length=1000)),
                ('scope', models.CharField(max_length=1000)),
                ('precision_m', models.PositiveIntegerField()),
                ('basis', models.CharField(choices=[('approval', 'Approval'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=14)),
                ('outcome', models.CharField(choices=[('released', 'Released'), ('refused', 'Refused')], max_length=8)),
                ('decision_id', models.CharField(blank=True, max_length=1000)),
                ('authority_ref', models.CharField(blank=True, max_length=1000)),
                ('basis_doubtful', models.BooleanField(default=False)),
                ('judgement', models.CharField(choices=[('permitted', 'You allowed it'), ('after_stop', 'After you said stop'), ('no_approval', 'No record that you agreed'), ('approval_unverified', 'Only the company says you agreed'), ('approval_expired', 'Your agreement had ended'), ('contract_not_in_force', "The company's contract was not in force"), ('campaign_not_in_force', 'This use was not approved at the time'), ('jurisdiction_prohibits', 'Not allowed in your state'), ('precision_exceeded', 'More exact than agreed'), ('partner_suspended', 'The company was suspended'), ('refused', 'Refused'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=24)),
                ('recorded_at', models.DateTimeField()),
                ('path_completed', models.CharField(blank=True, choices=[('', 'Nothing'), ('aggregator', 'The aggregator'), ('lbs_provider', 'The LBS provider'), ('both', 'The aggregator and the LBS provider')], db_default='', default='', max_length=12)),
            ],
            options={
                'db_table': 'disclosures_disclosure',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='AnomalyWatch',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ChangedDay',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'day', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID())),
            ],
        ),
        migrations.CreateModel(
            name='ConcealedDisclosure',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('occurred_at', models.DateTimeField()),
                ('gated', models.BooleanField()),
            ],
        ),
        migrations.CreateModel(
            name='DailyRollup',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'day', 'facts', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('facts', models.UUIDField()),
                ('n', models.PositiveIntegerField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('finest_m', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='DelayedNotice',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'disclosure_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('disclosure_id', models.UUIDField()),
                ('number', models.PositiveIntegerField()),
                ('suppressed_until', models.DateTimeField(null=True)),
                ('order_ref', models.CharField(blank=True, max_length=1000)),
                ('recorded_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='DisclosureRegister',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('occurred_at', models.DateTimeField()),
                ('content_hash', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='DroppedMonth',
            fields=[
                ('month', models.DateField(primary_key=True, serialize=False)),
                ('dropped_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('forgotten_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ReassignedRelease',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('disclosure_id', models.UUIDField(db_index=True)),
                ('occurred_at', models.DateTimeField()),
                ('given_back_at', models.DateTimeField()),
                ('why', models.CharField(choices=[('ended', 'The line had ended'), ('number', 'The line had another number')], max_length=6)),
                ('doubted', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=1000))),
            ],
            options={'db_table': 'disclosures_givenback'},
        ),
        migrations.CreateModel(
            name='GrowingLine',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID())),
            ],
        ),
        migrations.CreateModel(
            name='HeldNotice',
            fields=[
                ('pk', models.CompositePrimaryKey('disclosure_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('disclosure_id', models.UUIDField()),
                ('number', models.PositiveIntegerField()),
                ('suppressed_until', models.DateTimeField(null=True)),
                ('order_ref', models.CharField(blank=True, max_length=1000)),
                ('recorded_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ImportedChunk',
            fields=[
                ('pk', models.CompositePrimaryKey('file', 'starts_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('file', models.BinaryField()),
                ('starts_at', models.BigIntegerField()),
                ('digest', models.BinaryField()),
                ('told', models.JSONField()),
                ('recorded_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='JudgementChange',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'disclosure_id', 'changed_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('disclosure_id', models.UUIDField()),
                ('changed_at', models.DateTimeField()),
                ('was', models.CharField(choices=[('permitted', 'You allowed it'), ('after_stop', 'After you said stop'), ('no_approval', 'No record that you agreed'), ('approval_unverified', 'Only the company says you agreed'), ('approval_expired', 'Your agreement had ended'), ('contract_not_in_force', "The company's contract was not in force"), ('campaign_not_in_force', 'This use was not approved at the time'), ('jurisdiction_prohibits', 'Not allowed in your state'), ('precision_exceeded', 'More exact than agreed'), ('partner_suspended', 'The company was suspended'), ('refused', 'Refused'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=24)),
                ('becomes', models.CharField(choices=[('permitted', 'You allowed it'), ('after_stop', 'After you said stop'), ('no_approval', 'No record that you agreed'), ('approval_unverified', 'Only the company says you agreed'), ('approval_expired', 'Your agreement had ended'), ('contract_not_in_force', "The company's contract was not in force"), ('campaign_not_in_force', 'This use was not approved at the time'), ('jurisdiction_prohibits', 'Not allowed in your state'), ('precision_exceeded', 'More exact than agreed'), ('partner_suspended', 'The company was suspended'), ('refused', 'Refused'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=24)),
                ('cause', models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name='LongLine',
            fields=[
                ('line_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('zone', models.CharField(max_length=40)),
                ('through', models.DateField(db_default=datetime.date(1, 1, 1), default=datetime.date(1, 1, 1))),
            ],
        ),
        migrations.CreateModel(
            name='RolledFacts',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('key', models.UUIDField()),
                ('path', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=1000))),
                ('campaign', models.CharField(blank=True, max_length=1000)),
                ('purpose', models.CharField(max_length=1000)),
                ('basis', models.CharField(choices=[('approval', 'Approval'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=14)),
                ('outcome', models.CharField(choices=[('released', 'Released'), ('refused', 'Refused')], max_length=8)),
                ('judgement', models.CharField(choices=[('permitted', 'You allowed it'), ('after_stop', 'After you said stop'), ('no_approval', 'No record that you agreed'), ('approval_unverified', 'Only the company says you agreed'), ('approval_expired', 'Your agreement had ended'), ('contract_not_in_force', "The company's contract was not in force"), ('campaign_not_in_force', 'This use was not approved at the time'), ('jurisdiction_prohibits', 'Not allowed in your state'), ('precision_exceeded', 'More exact than agreed'), ('partner_suspended', 'The company was suspended'), ('refused', 'Refused'), ('emergency', 'Emergency call'), ('legal_process', 'Lawful order'), ('network', 'Network operation')], max_length=24)),
                ('basis_doubtful', models.BooleanField()),
            ],
        ),
        migrations.CreateModel(
            name='ShortenedPeriod',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('msisdn_hash', models.BinaryField()),
                ('since', models.DateTimeField()),
                ('after', models.UUIDField(db_default=uuid.UUID('00000000-0000-0000-0000-000000000000'), default=uuid.UUID('00000000-0000-0000-0000-000000000000'))),
                ('until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AnomalyRule',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('after_stop', 'Look-ups after the person stopped'), ('no_approval', 'Look-ups with no record of consent'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Burst of look-ups of one line'), ('night', 'Look-ups of one line at night, again and again'), ('many_lines', 'One end customer looking up many lines'), ('dormant', 'Look-ups of a long-inactive line'), ('disputed', 'Consent claims that people dispute')], max_length=12)),
                ('version', models.PositiveIntegerField()),
                ('threshold', models.PositiveIntegerField()),
                ('window', models.PositiveIntegerField()),
                ('suspend_after_days', models.PositiveSmallIntegerField(null=True)),
                ('enabled', models.BooleanField()),
                ('reason', models.CharField(max_length=500)),
                ('actor', models.CharField(max_length=220)),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'version'), name='disclosures_anomalyrule_version'), models.CheckConstraint(condition=models.Q(('threshold__gte', 1), ('threshold__lte', 1000000)), name='disclosures_anomalyrule_threshold'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'burst'), ('window__gte', 1), ('window__lte', 1440)), models.Q(('kind', 'dormant'), ('window__gte', 31), ('window__lte', 730)), models.Q(('kind', 'disputed'), ('window__gte', 1), ('window__lte', 12)), models.Q(('kind', 'many_lines'), ('window__gte', 1), ('window__lte', 31)), models.Q(('kind__in', ('after_stop', 'no_approval', 'suspended', 'night')), ('window__gte', 1), ('window__lte', 366)), _connector='OR'), name='disclosures_anomalyrule_window'), models.CheckConstraint(condition=models.Q(('suspend_after_days__isnull', True), models.Q(('kind__in', ('after_stop', 'no_approval')), ('suspend_after_days__lte', 90)), _connector='OR'), name='disclosures_anomalyrule_suspends')],
            },
        ),
        migrations.CreateModel(
            name='Archive',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('language', models.CharField(max_length=12)),
                ('state', models.CharField(choices=[('waiting', 'Waiting for a worker'), ('making', 'Being made'), ('ready', 'Ready'), ('failed', 'Could not be made')], default='waiting', max_length=8)),
                ('asked_at', models.DateTimeField()),
                ('as_of', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('leased_until', models.DateTimeField(null=True)),
                ('done', models.PositiveBigIntegerField(default=0)),
                ('total', models.PositiveBigIntegerField(default=0)),
                ('size', models.PositiveBigIntegerField(default=0)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['waiting', 'making'])), fields=['asked_at'], name='disclosures_archive_waiting'), models.Index(fields=['expires_at'], name='disclosures_archive_over')],
                'constraints': [models.UniqueConstraint(fields=('line_id', 'user_id'), name='disclosures_archive_one_each'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'ready'), _negated=True), models.Q(('as_of__isnull', False), ('size__gt', 0)), _connector='OR'), name='disclosures_archive_ready_has_it')],
            },
        ),
        migrations.CreateModel(
            name='ArchivePart',
            fields=[
                ('pk', models.CompositePrimaryKey('archive_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('sealed', models.BinaryField()),
                ('archive', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='disclosures.archive')),
            ],
        ),
        migrations.CreateModel(
            name='HeldDisclosure',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('msisdn_hash', models.BinaryField(db_index=True)),
                ('row_sealed', models.BinaryField()),
                ('held_at', models.DateTimeField()),
                ('gateway', models.CharField(blank=True, db_default='', max_length=200)),
                ('suppressed_until', models.DateTimeField(null=True)),
                ('ungated_from', models.DateTimeField(null=True)),
                ('ungated_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ungated_at__isnull', True), ('ungated_from__isnull', False)), fields=['ungated_from'], name='disclosures_held_to_be_counted')],
            },
        ),
        migrations.CreateModel(
            name='PublishedFigure',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField()),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('rows', models.JSONField()),
                ('query', models.CharField(max_length=8000)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('since__lt', models.F('until')), ('until__lte', models.F('made_at'))), name='disclosures_publishedfigure_days')],
            },
        ),
        migrations.CreateModel(
            name='Anomaly',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('after_stop', 'Look-ups after the person stopped'), ('no_approval', 'Look-ups with no record of consent'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Burst of look-ups of one line'), ('night', 'Look-ups of one line at night, again and again'), ('many_lines', 'One end customer looking up many lines'), ('dormant', 'Look-ups of a long-inactive line'), ('disputed', 'Consent claims that people dispute')], max_length=12)),
                ('line_id', models.BigIntegerField(null=True)),
                ('party', models.CharField(max_length=1000)),
                ('recipient', models.CharField(blank=True, max_length=1000)),
                ('period', models.DateField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('newest_at', models.DateTimeField(db_default=datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))),
                ('n', models.PositiveIntegerField()),
                ('looks', models.PositiveIntegerField()),
                ('out_of', models.PositiveIntegerField(null=True)),
                ('found_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('grown_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('cleared_at', models.DateTimeField(null=True)),
                ('consequence', models.CharField(blank=True, max_length=10)),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='disclosures.anomalyrule')),
            ],
            options={
                'indexes': [models.Index(fields=['line_id'], name='disclosures_anomaly_of_line'), models.Index(condition=models.Q(('cleared_at__isnull', True), ('consequence', ''), ('kind__in', ('after_stop', 'no_approval'))), fields=['found_at'], name='disclosures_anomaly_open'), models.Index(fields=['last_at'], name='disclosures_anomaly_age')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'party', 'period', 'line_id'), name='disclosures_anomaly_once', nulls_distinct=False)],
            },
        ),
    ]
