import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.CreateModel(
            name='BulkReply',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('incident_id', models.BigIntegerField(null=True)),
                ('body', models.CharField(max_length=10000)),
                ('by', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
                ('begins_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ticket_ids', models.JSONField()),
                ('answered', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('undone_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('finished_at__isnull', True), ('undone_at__isnull', True)), fields=['begins_at'], name='support_bulk_reply_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('undone_at__isnull', True), models.Q(('answered', 0), ('finished_at__isnull', True), ('skipped', 0)), _connector='OR'), name='support_bulk_reply_undone_before_it_began')],
            },
        ),
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
            name='SavedReply',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=40)),
                ('language', models.CharField(max_length=12)),
                ('title', models.CharField(max_length=80)),
                ('body', models.CharField(max_length=10000)),
                ('changed_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'support_cannedreply',
                'constraints': [models.UniqueConstraint(fields=('key', 'language'), name='support_canned_once_a_language')],
            },
        ),
        migrations.CreateModel(
            name='LoggedCall',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('call_ref', models.CharField(max_length=80, unique=True)),
                ('line_id', models.BigIntegerField()),
                ('answered_at', models.DateTimeField()),
                ('heard_at', models.DateTimeField()),
                ('by', models.CharField(blank=True, default='', max_length=40)),
                ('used_at', models.DateTimeField(null=True)),
                ('used_for', models.CharField(blank=True, default='', max_length=12)),
            ],
            options={
                'indexes': [models.Index(fields=['line_id', 'answered_at'], name='support_call_line')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('used_at__isnull', True), ('used_for', '')), models.Q(('used_at__isnull', False), models.Q(('used_for', ''), _negated=True)), _connector='OR'), name='support_call_used_for')],
            },
        ),
        migrations.CreateModel(
            name='ProtectedLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('by', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
                ('ended_by', models.CharField(blank=True, default='', max_length=40)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='support_protected_has_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='support_protected_ended_by'), models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('line_id',), name='support_protected_once')],
            },
        ),
        migrations.CreateModel(
            name='CarrierTestLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('marked_at', models.DateTimeField()),
                ('marked_by', models.CharField(max_length=40)),
                ('about', models.CharField(max_length=500)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'support_seedline',
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('line_id',), name='support_seedline_once')],
            },
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=12, unique=True)),
                ('kind', models.CharField(choices=[('dispute', 'I never agreed'), ('look_up', 'About one look-up'), ('choice', 'About a choice'), ('order', 'About what a partner was told'), ('still_have', 'They still have my data'), ('sign_in', 'Trouble signing in'), ('other', 'Something else'), ('incident', 'Incident'), ('overdue', 'A partner is late'), ('partial', 'A partner signed in part')], max_length=10)),
                ('key', models.CharField(max_length=200, unique=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('waiting', 'Waiting for the person'), ('partner', 'Waiting for a partner'), ('solved', 'Answered'), ('closed', 'Closed'), ('merged', 'Merged')], default='open', max_length=8)),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'Urgent'), (2, 'High'), (3, 'Normal'), (4, 'Low')], db_default=3, default=3)),
                ('line_id', models.BigIntegerField(null=True)),
                ('party_id', models.BigIntegerField(null=True)),
                ('about', models.CharField(max_length=200)),
                ('about_kind', models.CharField(blank=True, db_default='', default='', max_length=12)),
                ('about_ref', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('number_ending', models.CharField(blank=True, db_default='', default='', max_length=4)),
                ('mail_sealed', models.BinaryField(db_default=b'', default=b'')),
                ('language', models.CharField(db_default='en', default='en', max_length=12)),
                ('claimed_at', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('first_answer_at', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('solved_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('escalated_at', models.DateTimeField(null=True)),
                ('reopened', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('rating', models.PositiveSmallIntegerField(null=True)),
                ('rating_words', models.CharField(blank=True, db_default='', default='', max_length=1000)),
                ('rated_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to=settings.AUTH_USER_MODEL)),
                ('assignee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to=settings.AUTH_USER_MODEL)),
                ('merged_into', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='SuspendRequest',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('party_id', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('asked_by', models.CharField(max_length=40)),
                ('asked_at', models.DateTimeField()),
                ('decision', models.CharField(blank=True, choices=[('suspended', 'Suspended'), ('declined', 'Declined')], default='', max_length=10)),
                ('decided_by', models.CharField(blank=True, default='', max_length=40)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_reason', models.CharField(blank=True, default='', max_length=500)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suspend_requests', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Reveal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('asked_at', models.DateTimeField()),
                ('two_needed', models.BooleanField(default=False)),
                ('agreed_at', models.DateTimeField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('second', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reveals_agreed', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reveals', to=settings.AUTH_USER_MODEL)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reveals', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('heard', 'From the person'), ('answer', 'Our answer'), ('note', 'A note among us'), ('evidence', 'From a partner'), ('event', 'What happened')], max_length=8)),
                ('author', models.CharField(max_length=40)),
                ('channel', models.CharField(choices=[('web', 'Web'), ('mail', 'Mail'), ('text', 'Text'), ('phone', 'Phone'), ('desk', 'Desk'), ('system', 'System')], max_length=8)),
                ('at', models.DateTimeField()),
                ('body', models.CharField(max_length=10000)),
                ('language', models.CharField(db_default='en', default='en', max_length=12)),
                ('key', models.CharField(blank=True, db_default='', default='', max_length=120)),
                ('words', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('body', config='simple'), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('heard', 'From the person'), ('answer', 'Our answer'), ('note', 'A note among us'), ('evidence', 'From a partner'), ('event', 'What happened')], max_length=8)),
                ('body', models.CharField(max_length=10000)),
                ('updated_at', models.DateTimeField()),
                ('send_at', models.DateTimeField(null=True)),
                ('then', models.CharField(blank=True, choices=[('open', 'Open'), ('waiting', 'Waiting for the person'), ('partner', 'Waiting for a partner'), ('solved', 'Answered'), ('closed', 'Closed'), ('merged', 'Merged')], db_default='', default='', max_length=8)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('media_type', models.CharField(max_length=100)),
                ('size', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('author', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
                ('scan', models.CharField(choices=[('waiting', 'Not looked at yet'), ('clean', 'Nothing found'), ('refused', 'Something was found: nobody can open it'), ('failed', 'Could not be looked at'), ('removed', 'Taken back before it was sent')], default='waiting', max_length=8)),
                ('scanned_at', models.DateTimeField(null=True)),
                ('entry', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='support.entry')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='support.ticket')),
            ],
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['due_at', 'id'], name='support_ticket_due'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['priority', 'due_at', 'id'], name='support_ticket_priority'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['assignee', 'due_at', 'id'], name='support_ticket_whose'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['kind', 'due_at', 'id'], name='support_ticket_kind'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['state', 'due_at', 'id'], name='support_ticket_state'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['party_id', 'due_at', 'id'], name='support_ticket_party'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner'])), fields=['language', 'due_at', 'id'], name='support_ticket_language'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['open', 'waiting', 'partner']), ('escalated_at__isnull', False)), fields=['due_at', 'id'], name='support_ticket_handed_up'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state', 'solved')), fields=['solved_at'], name='support_ticket_solved'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['state', '-id'], name='support_ticket_newest'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['party_id', '-id'], name='support_ticket_company'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['number_ending', '-id'], name='support_ticket_number'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['line_id', 'opened_at'], name='support_ticket_line'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['about_kind', 'about_ref'], name='support_ticket_about_ref'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['opened_at'], name='support_ticket_opened'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('about'), name='gin_trgm_ops'), name='support_ticket_about_like'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed')), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at__isnull', True)), _connector='OR'), name='support_ticket_closed_at'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', False), ('state', 'merged')), models.Q(models.Q(('state', 'merged'), _negated=True), ('merged_into__isnull', True)), _connector='OR'), name='support_ticket_merged_into'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), models.Q(('merged_into', models.F('id')), _negated=True), _connector='OR'), name='support_ticket_not_into_itself'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('assignee__isnull', True), ('claimed_at__isnull', True)), models.Q(('assignee__isnull', False), ('claimed_at__isnull', False)), _connector='OR'), name='support_ticket_claimed_at'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('rated_at__isnull', True), ('rating__isnull', True)), models.Q(('rated_at__isnull', False), ('rating__range', (1, 5))), _connector='OR'), name='support_ticket_rating'),
        ),
        migrations.AddConstraint(
            model_name='suspendrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', ''), ('decision', '')), models.Q(models.Q(('decision', ''), _negated=True), models.Q(('decided_by', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='support_suspend_request_decided'),
        ),
        migrations.AddConstraint(
            model_name='suspendrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('decision', '')), fields=('ticket', 'party_id'), name='support_suspend_request_open_once'),
        ),
        migrations.AddIndex(
            model_name='reveal',
            index=models.Index(fields=['ticket', 'user', 'until'], name='support_reveal_now'),
        ),
        migrations.AddConstraint(
            model_name='reveal',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='support_reveal_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='reveal',
            constraint=models.CheckConstraint(condition=models.Q(('second__isnull', True), models.Q(('second', models.F('user')), _negated=True), _connector='OR'), name='support_reveal_by_two_people'),
        ),
        migrations.AddConstraint(
            model_name='reveal',
            constraint=models.CheckConstraint(condition=models.Q(('until__isnull', True), ('two_needed', False), ('second__isnull', False), _connector='OR'), name='support_reveal_waits_for_the_second'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['ticket', 'at'], name='support_entry_thread'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=django.contrib.postgres.indexes.GinIndex(fields=['words'], name='support_entry_words'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('body', ''), _negated=True), name='support_entry_says_something'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.UniqueConstraint(condition=models.Q(('key', ''), _negated=True), fields=('key',), name='support_entry_comes_in_once'),
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(condition=models.Q(('send_at__isnull', False)), fields=['send_at'], name='support_draft_due'),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('send_at__isnull', True), ('then', '')), models.Q(('kind', 'answer'), ('send_at__isnull', False), ('then__in', ['waiting', 'solved'])), _connector='OR'), name='support_draft_on_its_way'),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.UniqueConstraint(fields=('ticket', 'user', 'kind'), name='support_draft_one_for_each'),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['answer', 'note'])), name='support_draft_of_ours'),
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(condition=models.Q(('scan', 'waiting')), fields=['at'], name='support_attachment_unscanned'),
        ),
        # It stays a generated column; so the model need not ask which PostgreSQL runs to be checked.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='entry',
                    name='words',
                    field=django.contrib.postgres.search.SearchVectorField(db_default=models.Value(''), editable=False),
                )
            ]
        ),
    ]
