"""Tickets as the desk works them: threads, drafts, files, reveals, calls; the states follow one another by rule."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

GUARD = """
CREATE FUNCTION support_ticket_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    next constant jsonb := '{
        "open": ["waiting", "partner", "solved", "merged"],
        "waiting": ["open", "partner", "solved", "merged"],
        "partner": ["open", "waiting", "solved", "merged"],
        "solved": ["open", "closed"],
        "closed": ["open"],
        "merged": []
    }';
BEGIN
    IF NEW.state <> OLD.state AND NOT next -> OLD.state ? NEW.state THEN
        RAISE EXCEPTION 'ticket % does not go from % to %', OLD.code, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_moves';
    END IF;
    IF (NEW.code, NEW.key, NEW.opened_at) IS DISTINCT FROM (OLD.code, OLD.key, OLD.opened_at)
        OR NEW.line_id IS DISTINCT FROM OLD.line_id
    THEN
        RAISE EXCEPTION 'whose ticket % is stays as it is', OLD.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'support_ticket_whose_it_is';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER support_ticket_moves BEFORE UPDATE ON support_ticket
    FOR EACH ROW EXECUTE FUNCTION support_ticket_moves();
CREATE TRIGGER support_ticket_kept BEFORE DELETE ON support_ticket
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER support_entry_append_only BEFORE UPDATE OR DELETE ON support_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER support_entry_no_truncate BEFORE TRUNCATE ON support_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
UNGUARD = """
DROP TRIGGER support_entry_no_truncate ON support_entry;
DROP TRIGGER support_entry_append_only ON support_entry;
DROP TRIGGER support_ticket_kept ON support_ticket;
DROP TRIGGER support_ticket_moves ON support_ticket;
DROP FUNCTION support_ticket_moves;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TrigramExtension(),
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
                ('scan', models.CharField(choices=[('waiting', 'Not looked at yet'), ('clean', 'Nothing found'), ('refused', 'Something was found: nobody can open it'), ('failed', 'Could not be looked at')], default='waiting', max_length=8)),
                ('scanned_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BulkReply',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('incident_id', models.BigIntegerField(null=True)),
                ('body', models.CharField(max_length=10000)),
                ('by', models.CharField(max_length=40)),
                ('at', models.DateTimeField()),
                ('ticket_ids', models.JSONField()),
                ('answered', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='CannedReply',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=40)),
                ('language', models.CharField(max_length=12)),
                ('title', models.CharField(max_length=80)),
                ('body', models.CharField(max_length=10000)),
                ('changed_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('heard', 'From the person'), ('answer', 'Our answer'), ('note', 'A note among us'), ('evidence', 'From a partner'), ('event', 'What happened')], max_length=8)),
                ('body', models.CharField(max_length=10000)),
                ('updated_at', models.DateTimeField()),
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
                ('words', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('body', config='simple'), output_field=django.contrib.postgres.search.SearchVectorField())),
            ],
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
            ],
        ),
        migrations.AddField(
            model_name='ticket',
            name='about_kind',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='ticket',
            name='about_ref',
            field=models.CharField(blank=True, db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='ticket',
            name='assignee',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ticket',
            name='claimed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='escalated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='first_answer_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='language',
            field=models.CharField(db_default='en', default='en', max_length=12),
        ),
        migrations.AddField(
            model_name='ticket',
            name='last_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='merged_into',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='support.ticket'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='number_ending',
            field=models.CharField(blank=True, db_default='', default='', max_length=4),
        ),
        migrations.AddField(
            model_name='ticket',
            name='party_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='priority',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Urgent'), (2, 'High'), (3, 'Normal'), (4, 'Low')], db_default=3, default=3),
        ),
        migrations.AddField(
            model_name='ticket',
            name='rated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='rating',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='rating_words',
            field=models.CharField(blank=True, db_default='', default='', max_length=1000),
        ),
        migrations.AddField(
            model_name='ticket',
            name='reopened',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='ticket',
            name='solved_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='kind',
            field=models.CharField(choices=[('dispute', 'I never agreed'), ('look_up', 'About one look-up'), ('choice', 'About a choice'), ('order', 'About what a partner was told'), ('still_have', 'They still have my data'), ('sign_in', 'Trouble signing in'), ('other', 'Something else'), ('incident', 'Incident'), ('overdue', 'A partner is late'), ('partial', 'A partner signed in part')], max_length=10),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='state',
            field=models.CharField(choices=[('open', 'Open'), ('waiting', 'Waiting for the person'), ('partner', 'Waiting for a partner'), ('solved', 'Answered'), ('closed', 'Closed'), ('merged', 'Merged')], default='open', max_length=8),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['assignee', 'state', 'due_at'], name='support_ticket_whose'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['line_id', 'opened_at'], name='support_ticket_line'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['party_id', 'due_at'], name='support_ticket_party'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['number_ending', 'due_at'], name='support_ticket_number'),
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
        migrations.AddField(
            model_name='attachment',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='support.ticket'),
        ),
        migrations.AddConstraint(
            model_name='cannedreply',
            constraint=models.UniqueConstraint(fields=('key', 'language'), name='support_canned_once_a_language'),
        ),
        migrations.AddField(
            model_name='draft',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='support.ticket'),
        ),
        migrations.AddField(
            model_name='draft',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='entry',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='support.ticket'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='entry',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='support.entry'),
        ),
        migrations.AddIndex(
            model_name='loggedcall',
            index=models.Index(fields=['line_id', 'answered_at'], name='support_call_line'),
        ),
        migrations.AddConstraint(
            model_name='loggedcall',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('used_at__isnull', True), ('used_for', '')), models.Q(('used_at__isnull', False), models.Q(('used_for', ''), _negated=True)), _connector='OR'), name='support_call_used_for'),
        ),
        migrations.AddField(
            model_name='reveal',
            name='second',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reveals_agreed', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reveal',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reveals', to='support.ticket'),
        ),
        migrations.AddField(
            model_name='reveal',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reveals', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='suspendrequest',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suspend_requests', to='support.ticket'),
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
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(condition=models.Q(('scan', 'waiting')), fields=['at'], name='support_attachment_unscanned'),
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
        migrations.AddConstraint(
            model_name='suspendrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', ''), ('decision', '')), models.Q(models.Q(('decision', ''), _negated=True), models.Q(('decided_by', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='support_suspend_request_decided'),
        ),
        migrations.AddConstraint(
            model_name='suspendrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('decision', '')), fields=('ticket', 'party_id'), name='support_suspend_request_open_once'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
