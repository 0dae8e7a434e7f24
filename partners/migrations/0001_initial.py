import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE partners_client_number; CREATE SEQUENCE partners_authorizedagent_number",
            "DROP SEQUENCE partners_client_number; DROP SEQUENCE partners_authorizedagent_number",
        ),
        migrations.CreateModel(
            name='AuthorizedAgent',
            fields=[
                ('id', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('partners_authorizedagent_number'), function='nextval'), editable=False, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('verify_key', models.BinaryField()),
                ('hosts', models.JSONField(default=list)),
                ('token_hash', models.BinaryField(null=True, unique=True)),
                ('token_asked_at', models.DateTimeField(null=True)),
                ('registered_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('ref', models.CharField(max_length=200, unique=True)),
                ('purpose', models.CharField(max_length=200)),
                ('description', models.CharField(max_length=1000)),
                ('consent_flow', models.CharField(max_length=1000)),
                ('scope', models.CharField(max_length=200)),
                ('precision_m', models.PositiveIntegerField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('names_recipient', models.BooleanField(default=False)),
                ('lifeline', models.BooleanField(default=False)),
                ('family_tracking', models.BooleanField(default=False)),
                ('consideration', models.CharField(blank=True, choices=[('none', 'No payment'), ('monetary', 'Money'), ('other', 'Other value')], max_length=10)),
                ('is_draft', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Contract',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('ref', models.CharField(max_length=200, unique=True)),
                ('signed_at', models.DateTimeField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200))),
                ('ack_within_s', models.PositiveIntegerField(default=900)),
                ('complete_within_days', models.PositiveSmallIntegerField(default=10)),
                ('endpoint_url', models.CharField(blank=True, max_length=1000)),
                ('jwks_uri', models.CharField(blank=True, max_length=1000)),
                ('epoch', models.PositiveIntegerField(default=1)),
                ('is_draft', models.BooleanField(default=False)),
                ('hosts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=260), blank=True, default=list)),
            ],
        ),
        migrations.CreateModel(
            name='Party',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uri', models.CharField(max_length=1000, unique=True)),
                ('name', models.CharField(max_length=1000)),
                ('kind', models.CharField(choices=[('aggregator', 'Aggregator'), ('lbs_provider', 'Location service'), ('end_customer', 'End customer'), ('unnamed', 'Unnamed')], max_length=20)),
                ('website', models.CharField(blank=True, max_length=1000)),
                ('about', models.CharField(blank=True, max_length=1000)),
                ('jwks_uri', models.CharField(blank=True, max_length=1000)),
            ],
        ),
        migrations.CreateModel(
            name='PendingTermChange',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('campaign', 'Campaign'), ('link', 'Link'), ('company', 'Company')], max_length=10)),
                ('of', models.CharField(blank=True, choices=[('party', 'Company'), ('purpose', 'Purpose'), ('campaign', 'Campaign')], max_length=10)),
                ('ref', models.CharField(max_length=1000)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={'db_table': 'partners_unsettledchange'},
        ),
        migrations.CreateModel(
            name='Cover',
            fields=[
                ('campaign', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='cover', serialize=False, to='partners.campaign')),
                ('aggregator', models.CharField(default='', max_length=1000)),
                ('provider', models.CharField(default='', max_length=1000)),
                ('parties', django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ('named_parties', django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ('told_apart', django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ('campaigns', django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ('targets', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list)),
                ('named_targets', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list)),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='contract',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='partners.contract'),
        ),
        migrations.CreateModel(
            name='IdentifierLink',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('of', models.CharField(choices=[('party', 'Company'), ('purpose', 'Purpose'), ('campaign', 'Campaign')], max_length=10)),
                ('ref', models.CharField(max_length=1000)),
                ('kin_ref', models.CharField(max_length=1000)),
                ('link', models.CharField(choices=[('succeeds', 'succeeds'), ('same_as', 'same as')], max_length=10)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'partners_kin',
                'indexes': [models.Index(fields=['of', 'kin_ref'], name='partners_kin_back')],
                'constraints': [models.UniqueConstraint(fields=('of', 'ref', 'kin_ref'), name='partners_kin_once')],
            },
        ),
        migrations.CreateModel(
            name='NoticeText',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('use', models.CharField(choices=[('allow', 'Before allowing'), ('ask', 'When a company asks'), ('stop', 'Before stopping')], max_length=6)),
                ('language', models.CharField(max_length=12)),
                ('version', models.PositiveIntegerField()),
                ('body', models.CharField(max_length=2000)),
                ('published_at', models.DateTimeField()),
                ('actor', models.CharField(max_length=120)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('use', 'language', 'version'), name='partners_notice_version')],
            },
        ),
        migrations.CreateModel(
            name='PartnerKeySet',
            fields=[
                ('party', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='key_set', serialize=False, to='partners.party')),
                ('jwks', models.JSONField()),
                ('fetched_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Dealing',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'aggregator_id', 'party_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('last_at', models.DateTimeField()),
                ('first_at', models.DateTimeField(null=True)),
                ('aggregator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.party')),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.party')),
            ],
        ),
        migrations.AddField(
            model_name='contract',
            name='aggregator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contracts', to='partners.party'),
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('client_id', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('partners_client_number'), function='nextval'), editable=False, unique=True)),
                ('kind', models.CharField(choices=[('gateway', 'Location gateway'), ('feed', 'Carrier feed'), ('aggregator', 'Aggregator')], max_length=12)),
                ('public_jwk', models.JSONField()),
                ('certificate_sha256', models.CharField(blank=True, max_length=43)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('party', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clients', to='partners.party')),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='lbs_provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='partners.party'),
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('act', models.CharField(choices=[('lift_suspension', 'Lift a suspension'), ('extend_term', 'Extend a term'), ('relax_rule', 'End a state rule'), ('paid_for_less', 'Record a lower payment for a campaign'), ('terminate', 'Terminate'), ('enable_machine', 'Activate an API client'), ('loosen_anomalies', 'Loosen an anomaly rule'), ('let_agent_ask', 'Activate an authorized agent'), ('end_protection', "End a line's protection"), ('set_endpoints', 'Change endpoints'), ('move_keys', 'Change a key address')], max_length=20)),
                ('of', models.CharField(choices=[('party', 'Company'), ('contract', 'Contract'), ('campaign', 'Campaign'), ('rule', 'State rule'), ('machine', 'API client'), ('anomaly', 'Anomaly rule'), ('authorized', 'Authorized agent'), ('protection', 'Line protection')], max_length=10)),
                ('target_id', models.BigIntegerField()),
                ('payload', models.JSONField(default=dict)),
                ('reason', models.CharField(max_length=500)),
                ('proposed_by', models.CharField(max_length=120)),
                ('proposed_at', models.DateTimeField()),
                ('decision', models.CharField(blank=True, choices=[('agreed', 'Agreed'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn')], max_length=10)),
                ('decided_by', models.CharField(blank=True, max_length=120)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_reason', models.CharField(blank=True, max_length=500)),
                ('spent_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decision', '')), models.Q(models.Q(('decision', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='partners_proposal_decided_has_time'), models.CheckConstraint(condition=models.Q(models.Q(('decision', 'agreed'), _negated=True), models.Q(models.Q(('decided_by', models.F('proposed_by')), _negated=True), models.Q(('decided_by', ''), _negated=True)), _connector='OR'), name='partners_proposal_needs_two_officers'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='partners_proposal_has_a_reason'), models.UniqueConstraint(condition=models.Q(('decision', '')), fields=('act', 'of', 'target_id'), name='partners_proposal_one_open')],
            },
        ),
        migrations.CreateModel(
            name='JurisdictionRule',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('state', models.CharField(max_length=2)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200))),
                ('sale_test', models.BooleanField(default=True)),
                ('consideration', models.CharField(blank=True, choices=[('', 'Money or other value'), ('monetary', 'Money only')], db_default='', default='', max_length=10)),
                ('max_radius_m', models.PositiveIntegerField(blank=True, null=True)),
                ('source', models.CharField(max_length=300)),
                ('relaxed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='relaxed', to='partners.proposal')),
            ],
        ),
        migrations.CreateModel(
            name='Reach',
            fields=[
                ('pk', models.CompositePrimaryKey('campaign_id', 'party_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('told_apart', models.BooleanField(db_default=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reach', to='partners.campaign')),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reached_by', to='partners.party')),
            ],
        ),
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('kid', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('use', models.CharField(choices=[('secevent+jwt', 'Orders'), ('at+jwt', 'Access tokens'), ('whereabouts-receipt+jwt', 'Receipts'), ('whereabouts-manifest+jwt', 'Manifests'), ('whereabouts-checkpoint+jwt', 'Audit checkpoints')], max_length=40)),
                ('private_sealed', models.BinaryField()),
                ('public_jwk', models.JSONField()),
                ('published_at', models.DateTimeField()),
                ('used_from', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['use', '-used_from'], name='partners_key_newest')],
            },
        ),
        migrations.CreateModel(
            name='Suspension',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('of', models.CharField(choices=[('party', 'Company'), ('contract', 'Contract'), ('campaign', 'Campaign')], max_length=10)),
                ('target_id', models.BigIntegerField()),
                ('automatic', models.BooleanField(default=False)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(max_length=500)),
                ('actor', models.CharField(max_length=120)),
                ('lifted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lifted', to='partners.proposal')),
            ],
        ),
        migrations.CreateModel(
            name='UsedAssertion',
            fields=[
                ('pk', models.CompositePrimaryKey('client_id', 'jti', blank=True, editable=False, primary_key=True, serialize=False)),
                ('jti', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.client')),
            ],
        ),
        migrations.CreateModel(
            name='AgentRequest',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('agent_request_id', models.CharField(blank=True, max_length=200)),
                ('digest', models.BinaryField()),
                ('line_id', models.BigIntegerField(null=True)),
                ('number_hash', models.BinaryField()),
                ('exercise', models.CharField(max_length=40)),
                ('status', models.CharField(choices=[('in_progress', 'Waiting for the person'), ('fulfilled', 'Done'), ('denied', 'Denied'), ('revoked', 'Withdrawn by the agent')], max_length=12)),
                ('reason', models.CharField(blank=True, choices=[('need_user_verification', "The person hasn't answered yet"), ('suspected_fraud', "The person says the request isn't theirs"), ('insuf_verification', "The person didn't answer in time"), ('no_match', 'The request has no phone number'), ('claim_not_covered', 'Agents can request only stops'), ('too_many_requests', 'Too many requests for this number')], max_length=24)),
                ('token_hash', models.BinaryField(unique=True)),
                ('callback', models.CharField(blank=True, max_length=1000)),
                ('received_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('choice_id', models.UUIDField(null=True)),
                ('notify_at', models.DateTimeField(null=True)),
                ('notify_tries', models.PositiveSmallIntegerField(default=0)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='partners.authorizedagent')),
            ],
            options={
                'indexes': [models.Index(fields=['number_hash', 'received_at'], name='partners_agentrequest_number'), models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['expires_at'], name='partners_agentrequest_open'), models.Index(condition=models.Q(('notify_at__isnull', False)), fields=['notify_at'], name='partners_agentrequest_notify')],
                'constraints': [models.UniqueConstraint(fields=('agent', 'digest'), name='partners_agentrequest_once'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('status', 'in_progress')), models.Q(models.Q(('status', 'in_progress'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='partners_agentrequest_closed_has_time'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'fulfilled'), _negated=True), models.Q(('choice_id__isnull', False), ('line_id__isnull', False)), _connector='OR'), name='partners_agentrequest_done_by_choice'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('received_at'))), name='partners_agentrequest_has_time')],
            },
        ),
        migrations.CreateModel(
            name='PairwiseSubject',
            fields=[
                ('pk', models.CompositePrimaryKey('line_id', 'party_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('line_id', models.BigIntegerField()),
                ('sub', models.CharField(max_length=64)),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.party')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('party', 'sub'), name='partners_sub_names_one_line')],
            },
        ),
        migrations.CreateModel(
            name='PairwiseKey',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('secret_sealed', models.BinaryField()),
                ('made_at', models.DateTimeField()),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pairwise_keys', to='partners.party')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('party', 'version'), name='partners_pairwisekey_version')],
            },
        ),
        migrations.AddConstraint(
            model_name='contract',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='partners_contract_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='client',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'aggregator'), ('party__isnull', False)), models.Q(models.Q(('kind', 'aggregator'), _negated=True), ('party__isnull', True)), _connector='OR'), name='partners_client_of_a_party_iff_aggregator'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='partners_campaign_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='jurisdictionrule',
            constraint=models.UniqueConstraint(fields=('state', 'starts_at'), name='partners_rule_once'),
        ),
        migrations.AddConstraint(
            model_name='jurisdictionrule',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='partners_rule_ends_after_start'),
        ),
        migrations.AddIndex(
            model_name='suspension',
            index=models.Index(fields=['of', 'target_id', 'starts_at'], name='partners_suspension_past'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.UniqueConstraint(condition=models.Q(('ends_at__isnull', True)), fields=('of', 'target_id', 'automatic'), name='partners_suspension_one_now'),
        ),
    ]
