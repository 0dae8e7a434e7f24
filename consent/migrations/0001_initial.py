import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        # Rows that wait for the archive are numbered across lines; the key begins with the line.
        migrations.RunSQL("CREATE SEQUENCE consent_unarchived_id_seq AS bigint", "DROP SEQUENCE consent_unarchived_id_seq"),
        migrations.CreateModel(
            name='ArchiveHead',
            fields=[
                ('id', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('day', models.CharField(max_length=10)),
                ('digest', models.CharField(max_length=64)),
                ('written_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ChoiceOrder',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'choice_id', 'contract_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('choice_id', models.UUIDField()),
                ('contract_id', models.BigIntegerField()),
                ('order_id', models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name='EndedPause',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'choice_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('choice_id', models.UUIDField()),
                ('told_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='GateOpening',
            fields=[
                ('id', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('incarnation', models.CharField(max_length=120)),
                ('table_oid', models.BigIntegerField()),
                ('server_started', models.DateTimeField()),
                ('closed_because', models.CharField(blank=True, max_length=500)),
                ('opened_at', models.DateTimeField()),
                ('epochs_raised_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LineGate',
            fields=[
                ('line_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('version', models.BigIntegerField(default=0)),
                ('newest_at', models.DateTimeField(null=True)),
                ('active_from', models.DateTimeField()),
                ('active_until', models.DateTimeField(null=True)),
                ('state', models.CharField(max_length=2)),
                ('number_changed_at', models.DateTimeField(null=True)),
                ('stops', models.JSONField(default=dict)),
                ('pauses', models.JSONField(default=dict)),
                ('approvals', models.JSONField(default=dict)),
                ('claims', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('use', models.CharField(max_length=6)),
                ('language', models.CharField(max_length=12)),
                ('version', models.PositiveIntegerField()),
                ('body', models.CharField(max_length=4000)),
                ('companies', models.JSONField()),
                ('first_shown_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ProgressLink',
            fields=[
                ('token_hash', models.BinaryField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('choice_id', models.UUIDField()),
                ('expires_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='InvalidatedApproval',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'yes_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('yes_id', models.UUIDField()),
                ('campaign', models.CharField(max_length=200)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={'db_table': 'consent_setaside'},
        ),
        migrations.CreateModel(
            name='RejudgeRequest',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('since', models.DateTimeField()),
            ],
            options={'db_table': 'consent_touched'},
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('campaign', models.CharField(max_length=200)),
                ('method', models.CharField(choices=[('sms', 'by text'), ('ivr', 'by phone call'), ('web', 'on a web page'), ('app', 'in an app'), ('paper', 'on paper')], max_length=6)),
                ('captured_at', models.DateTimeField()),
                ('captured_by', models.CharField(max_length=1000)),
                ('wording', models.CharField(max_length=1000)),
                ('language', models.CharField(max_length=40)),
                ('evidence_ref', models.CharField(max_length=1000)),
                ('expires_at', models.DateTimeField(null=True)),
                ('verified_by', models.CharField(choices=[('carrier', 'The carrier'), ('partner', 'The partner alone')], max_length=8)),
                ('recorded_at', models.DateTimeField()),
                ('source_id', models.CharField(max_length=1000)),
                ('content_hash', models.BinaryField()),
            ],
            options={
                'indexes': [models.Index(fields=['line_id', 'campaign', '-captured_at'], name='consent_approval_newest'), models.Index(fields=['id'], name='consent_approval_by_id'), models.Index(fields=['recorded_at'], name='consent_approval_recorded'), models.Index(fields=['campaign'], name='consent_approval_by_campaign')],
            },
        ),
        migrations.CreateModel(
            name='ConsentRequest',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('token_hash', models.BinaryField(unique=True)),
                ('campaign', models.CharField(max_length=200)),
                ('party_id', models.BigIntegerField()),
                ('approval_id', models.UUIDField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('texted_at', models.DateTimeField(null=True)),
                ('answer', models.CharField(blank=True, choices=[('yes', 'Yes'), ('no', 'No')], max_length=3)),
                ('answered_at', models.DateTimeField(null=True)),
                ('choice_id', models.UUIDField(null=True)),
                ('callback', models.CharField(blank=True, db_default='', default='', max_length=1000)),
            ],
            options={
                'db_table': 'consent_ask',
                'indexes': [models.Index(fields=['line_id', '-asked_at'], name='consent_ask_newest'), models.Index(condition=models.Q(('answer', ''), ('approval_id__isnull', False), ('texted_at__isnull', True)), fields=['expires_at'], name='consent_ask_waiting')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True)), models.Q(models.Q(('answer', ''), _negated=True), ('answered_at__isnull', False)), _connector='OR'), name='consent_ask_answered_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Choice',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('kind', models.CharField(choices=[('stop', 'Stop'), ('pause', 'Pause'), ('allow', 'Allow'), ('refuse', 'Refuse')], max_length=6)),
                ('scope', models.CharField(choices=[('all', 'Everything'), ('party', 'A company'), ('purpose', 'A purpose'), ('campaign', 'One use by one company')], max_length=8)),
                ('ref', models.CharField(blank=True, max_length=1000)),
                ('made_at', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('origin', models.CharField(choices=[('person', 'The person'), ('file', 'A carrier file'), ('system', 'This portal, after what a company did')], max_length=6)),
                ('channel', models.CharField(max_length=40)),
                ('program', models.CharField(blank=True, max_length=1000)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('actor', models.CharField(max_length=120)),
                ('recorded_at', models.DateTimeField()),
                ('source_id', models.CharField(blank=True, max_length=1000)),
                ('content_hash', models.BinaryField(null=True)),
                ('notice', models.CharField(blank=True, db_default='', default='', max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['line_id', '-made_at'], name='consent_choice_newest'), models.Index(fields=['id'], name='consent_choice_by_id'), models.Index(fields=['recorded_at'], name='consent_choice_recorded'), models.Index(condition=models.Q(('kind', 'pause')), fields=['until'], name='consent_pause_ends'), models.Index(condition=models.Q(('reason', 'never_agreed')), fields=['recorded_at'], name='consent_choice_disputes')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('scope', 'all'), ('ref', '')), models.Q(models.Q(('scope', 'all'), _negated=True), models.Q(('ref', ''), _negated=True)), _connector='OR'), name='consent_choice_ref_iff_scoped'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('allow', 'refuse')), _negated=True), ('scope', 'campaign'), _connector='OR'), name='consent_choice_allow_names_a_campaign'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'pause'), _negated=True), ('until__isnull', False), _connector='OR'), name='consent_choice_pause_has_an_end'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('stop', 'refuse')), _negated=True), ('until__isnull', True), _connector='OR'), name='consent_choice_stop_has_no_end'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'allow'), _negated=True), models.Q(('origin', 'person'), _negated=True), ('actor__startswith', 'subscriber:'), _connector='OR'), name='consent_choice_only_the_person_allows'), models.CheckConstraint(condition=models.Q(models.Q(('origin', 'system'), _negated=True), models.Q(('kind', 'stop'), ('scope', 'party')), _connector='OR'), name='consent_choice_we_only_suspend')],
            },
        ),
        migrations.CreateModel(
            name='ChoiceReceipt',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'choice_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('choice_id', models.UUIDField()),
                ('number', models.CharField(max_length=12)),
                ('token', models.TextField()),
            ],
            options={
                'indexes': [models.Index(fields=['number'], name='consent_receipt_by_number')],
            },
        ),
        migrations.CreateModel(
            name='DigestRun',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('party_id', models.BigIntegerField()),
                ('received_at', models.DateTimeField()),
                ('differing', models.JSONField()),
                ('drilled', models.JSONField(default=list)),
                ('findings', models.JSONField(default=dict)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['party_id', '-received_at'], name='consent_digest_newest')],
            },
        ),
        migrations.CreateModel(
            name='HeldRow',
            fields=[
                ('pk', models.CompositePrimaryKey('feed', 'source_hash', blank=True, editable=False, primary_key=True, serialize=False)),
                ('feed', models.CharField(choices=[('approvals', 'Approvals'), ('choices', 'Choices')], max_length=12)),
                ('source_hash', models.BinaryField()),
                ('msisdn_hash', models.BinaryField()),
                ('campaign', models.CharField(blank=True, max_length=200)),
                ('row_sealed', models.BinaryField()),
                ('held_at', models.DateTimeField()),
                ('choice_id', models.UUIDField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['msisdn_hash'], name='consent_held_number'), models.Index(fields=['campaign'], name='consent_held_campaign')],
            },
        ),
        migrations.CreateModel(
            name='PrivacySignal',
            fields=[
                ('line_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('first_at', models.DateTimeField()),
                ('newest_at', models.DateTimeField()),
                ('asked_at', models.DateTimeField(null=True)),
                ('answer', models.CharField(blank=True, choices=[('keep', 'My own yes counts'), ('stop', 'The signal counts')], db_default='', default='', max_length=4)),
                ('answered_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True)), models.Q(models.Q(('answer', ''), _negated=True), ('answered_at__isnull', False), ('asked_at__isnull', False)), _connector='OR'), name='consent_signal_answered_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Tightening',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField(db_default=0, default=0)),
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), editable=False)),
                ('kind', models.CharField(max_length=10)),
                ('facts', models.JSONField(db_column='said')),
                ('at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['at'], name='consent_tightening_waits'), models.Index(fields=['id'], name='consent_tightening_named')],
            },
        ),
        migrations.CreateModel(
            name='ArchiveQueueEntry',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField(db_default=0, default=0)),
                ('id', models.BigIntegerField(db_default=models.Func(models.Value('consent_unarchived_id_seq'), function='nextval'), editable=False)),
                ('kind', models.CharField(choices=[('choice', 'Choice'), ('suspension', 'Suspension'), ('end', 'End')], max_length=10)),
                ('object_id', models.CharField(max_length=40)),
                ('queued_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'consent_unarchived',
                'indexes': [models.Index(fields=['queued_at', 'id'], name='consent_unarchived_first')],
            },
        ),
        migrations.CreateModel(
            name='DigestFinding',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('partner_has', 'Allowed there, denied here'), ('partner_lacks', 'Allowed here, missing there'), ('unknown', 'Unknown identifier')], max_length=20)),
                ('line_id', models.BigIntegerField(null=True)),
                ('contract_id', models.BigIntegerField(null=True)),
                ('recipient', models.CharField(blank=True, max_length=1000)),
                ('purpose', models.CharField(blank=True, max_length=200)),
                ('scope', models.CharField(blank=True, max_length=200)),
                ('told_so', models.BooleanField(default=False)),
                ('found_at', models.DateTimeField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='consent.digestrun')),
            ],
            options={
                'indexes': [models.Index(fields=['run', 'kind', 'id'], name='consent_finding_of_run')],
            },
        ),
    ]
