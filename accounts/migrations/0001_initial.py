import datetime
import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('carrier_id', models.CharField(max_length=100, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Line',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('carrier_id', models.CharField(max_length=100, unique=True)),
                ('public_id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, unique=True)),
                ('holder_name_sealed', models.BinaryField()),
                ('user_role', models.CharField(choices=[('holder', 'The account holder'), ('user', 'Another adult'), ('minor', 'A minor')], max_length=10)),
                ('state', models.CharField(max_length=2)),
                ('language', models.CharField(max_length=12)),
                ('activated_at', models.DateTimeField()),
                ('deactivated_at', models.DateTimeField(null=True)),
                ('sim_changed_at', models.DateTimeField(null=True)),
                ('number_changed_at', models.DateTimeField(null=True)),
                ('forwarding_changed_at', models.DateTimeField(null=True)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('change_known_at', models.DateTimeField(null=True)),
                ('holder_known_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='accounts.account')),
                ('continues_line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='continued_by', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='SpentCode',
            fields=[
                ('code_hash', models.BinaryField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='TextTaken',
            fields=[
                ('id_hash', models.BinaryField(primary_key=True, serialize=False)),
                ('taken_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Throttle',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('mark_hash', models.BinaryField(unique=True)),
                ('level_milli', models.PositiveIntegerField()),
                ('last_at', models.DateTimeField(db_index=True)),
                ('wait_until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('role', models.CharField(choices=[('subscriber', 'Subscriber'), ('agent', 'Support agent'), ('officer', 'Privacy officer'), ('auditor', 'Auditor'), ('legal', 'Legal process')], default='subscriber', max_length=12)),
                ('language', models.CharField(blank=True, max_length=12)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='BrowserSession',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key_hash', models.BinaryField(unique=True)),
                ('data', models.BinaryField()),
                ('began_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('origin_sealed', models.BinaryField(default=b'')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='browser_sessions', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='DeviceCookie',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField()),
                ('last_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='device_cookies', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='KnownDevice',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('mark_hash', models.BinaryField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='known_devices', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='LineReminder',
            fields=[
                ('line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reminder', serialize=False, to='accounts.line')),
                ('told_at', models.DateTimeField(null=True)),
                ('off_since', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LineTexts',
            fields=[
                ('line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='texts', serialize=False, to='accounts.line')),
                ('off_since', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='OutgoingEmail',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('to_sealed', models.BinaryField()),
                ('body_sealed', models.BinaryField()),
                ('made_at', models.DateTimeField()),
                ('next_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('taken_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='accounts.line')),
            ],
            options={'db_table': 'accounts_letter'},
        ),
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('asked_hash', models.BinaryField()),
                ('asked_sealed', models.BinaryField()),
                ('may', models.CharField(choices=[('see', 'See'), ('stop', 'Stop'), ('both', 'See and stop')], max_length=4)),
                ('asked_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('taken_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations_given', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to=settings.AUTH_USER_MODEL)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='LineNumber',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('msisdn_hash', models.BinaryField()),
                ('msisdn_sealed', models.BinaryField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='numbers', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='LineState',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('state', models.CharField(max_length=2)),
                ('since', models.DateTimeField()),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='states', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='LineUser',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='line_users', to='accounts.line')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='line_users', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='NewPassword',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField(unique=True)),
                ('asked_at', models.DateTimeField()),
                ('counts_from', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='new_passwords', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SafeContact',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('to_sealed', models.BinaryField()),
                ('code_sealed', models.BinaryField()),
                ('tries_left', models.PositiveSmallIntegerField(default=5)),
                ('asked_at', models.DateTimeField()),
                ('proved_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='safe_contacts', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('stopped', 'All sharing was stopped without sign-in'), ('child', "The account holder changed something on a child's line"), ('staff', 'Our support or privacy office changed something'), ('records', 'A file changed what is on record'), ('pause_over', 'A pause has ended'), ('number', 'The line has another number'), ('signal', "A browser's privacy signal stopped something"), ('lifeline', 'A service that finds the phone in an emergency was lost'), ('suspended', 'We stopped a company for the line by ourselves'), ('answered', "A company's question was answered by texted code"), ('reply', 'An answer to a text'), ('way_in', 'What lets somebody in was changed, asked for or used'), ('invited', "The account holder invites the line's user to sign in"), ('delegate', 'About somebody who was asked to look after a line'), ('contact', 'Where news about the line goes was changed'), ('receipt', 'A link to a receipt that somebody asked for'), ('reminder', 'Something is still on'), ('agent', "Somebody asks for a stop in the person's name"), ('case', 'Something was written in a case'), ('moved', "The carrier's record of the line has another number, SIM, forwarding, account or holder"), ('confirmed', "A stop or pause by the line's own person"), ('signed', 'The last company has signed what it was asked to do'), ('late', 'A company is late in signing'), ('yearly', 'A link to the history of the past year')], max_length=20)),
                ('about', models.CharField(blank=True, max_length=80)),
                ('to_sealed', models.BinaryField()),
                ('words_sealed', models.BinaryField()),
                ('made_at', models.DateTimeField()),
                ('next_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('taken_at', models.DateTimeField(null=True)),
                ('doubt_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.line')),
                ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='accounts.safecontact')),
            ],
        ),
        migrations.CreateModel(
            name='Separation',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('reach_sealed', models.BinaryField()),
                ('note_sealed', models.BinaryField()),
                ('asked_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done'), ('not_done', 'Could not be done'), ('taken_back', 'Taken back by the person')], default='open', max_length=10)),
                ('closed_at', models.DateTimeField(null=True)),
                ('tell_from', models.DateTimeField(null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='separations', to=settings.AUTH_USER_MODEL)),
                ('from_account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='separations', to='accounts.account')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='separations', to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='TextedCode',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('stop', 'Stop all sharing'), ('sign_in', 'Sign in'), ('ask', 'Answer a question'), ('stop_for', 'Have our support stop sharing'), ('read', 'Read while a new number holds the line')], max_length=10)),
                ('number_hash', models.BinaryField(db_default=b'', default=b'')),
                ('code_sealed', models.BinaryField()),
                ('made_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField()),
                ('sends', models.PositiveSmallIntegerField(default=1)),
                ('tries_left', models.PositiveSmallIntegerField(default=20)),
                ('used_at', models.DateTimeField(null=True)),
                ('long', models.BooleanField(db_default=False, default=False)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.line')),
            ],
        ),
        migrations.CreateModel(
            name='CodeAsker',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('asker', models.CharField(max_length=32)),
                ('tries_left', models.PositiveSmallIntegerField()),
                ('network_hash', models.BinaryField(default=b'')),
                ('asked_at', models.DateTimeField(null=True)),
                ('code', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='askers', to='accounts.textedcode')),
            ],
        ),
        migrations.CreateModel(
            name='WrongCode',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('stop', 'Stop all sharing'), ('sign_in', 'Sign in'), ('ask', 'Answer a question'), ('stop_for', 'Have our support stop sharing'), ('read', 'Read while a new number holds the line')], max_length=10)),
                ('at', models.DateTimeField()),
                ('compared', models.PositiveSmallIntegerField()),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.line')),
            ],
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('role', 'subscriber'), _negated=True), fields=['role'], name='accounts_user_staff'),
        ),
        migrations.AddConstraint(
            model_name='devicecookie',
            constraint=models.UniqueConstraint(fields=('user', 'token_hash'), name='accounts_devicecookie_once'),
        ),
        migrations.AddConstraint(
            model_name='knowndevice',
            constraint=models.UniqueConstraint(fields=('user', 'mark_hash'), name='accounts_knowndevice_once'),
        ),
        migrations.AddConstraint(
            model_name='line',
            constraint=models.CheckConstraint(condition=models.Q(('deactivated_at__isnull', True), ('deactivated_at__gt', models.F('activated_at')), _connector='OR'), name='accounts_line_ends_after_it_starts'),
        ),
        migrations.AddIndex(
            model_name='outgoingemail',
            index=models.Index(condition=models.Q(('taken_at__isnull', True)), fields=['next_at'], name='accounts_letter_due'),
        ),
        migrations.AddIndex(
            model_name='outgoingemail',
            index=models.Index(fields=['line', 'made_at'], name='accounts_letter_of_line'),
        ),
        migrations.AddIndex(
            model_name='outgoingemail',
            index=models.Index(fields=['expires_at'], name='accounts_letter_over'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(fields=['asked_hash'], name='accounts_delegation_asked'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('asked_at')), ('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('asked_at'), '+', models.Value(datetime.timedelta(days=366))))), name='accounts_delegation_a_year_at_most'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('taken_at__isnull', True), ('user__isnull', True)), models.Q(('taken_at__gte', models.F('asked_at')), ('taken_at__lt', models.F('ends_at')), ('user__isnull', False)), _connector='OR'), name='accounts_delegation_taken_in_its_time'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('user', models.F('by')), _negated=True), name='accounts_delegation_to_another'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('line', 'asked_hash'), name='accounts_delegation_once_each'),
        ),
        migrations.AddConstraint(
            model_name='linenumber',
            constraint=models.UniqueConstraint(fields=('msisdn_hash', 'starts_at'), name='accounts_number_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='linenumber',
            constraint=models.UniqueConstraint(fields=('line', 'starts_at'), name='accounts_line_one_number_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='linestate',
            constraint=models.UniqueConstraint(fields=('line', 'since'), name='accounts_linestate_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='lineuser',
            constraint=models.UniqueConstraint(condition=models.Q(('until__isnull', True)), fields=('line',), name='accounts_lineuser_one_now'),
        ),
        migrations.AddConstraint(
            model_name='newpassword',
            constraint=models.CheckConstraint(condition=models.Q(('counts_from__gte', django.db.models.expressions.CombinedExpression(models.F('asked_at'), '+', models.Value(datetime.timedelta(days=1))))), name='accounts_newpassword_waits'),
        ),
        migrations.AddConstraint(
            model_name='newpassword',
            constraint=models.CheckConstraint(condition=models.Q(('used_at__isnull', True), models.Q(('cancelled_at__isnull', True), ('used_at__gte', models.F('counts_from')), ('used_at__lt', models.F('expires_at'))), _connector='OR'), name='accounts_newpassword_used_in_its_time'),
        ),
        migrations.AddConstraint(
            model_name='newpassword',
            constraint=models.UniqueConstraint(condition=models.Q(('cancelled_at__isnull', True), ('used_at__isnull', True)), fields=('user',), name='accounts_newpassword_one_open'),
        ),
        migrations.AddConstraint(
            model_name='safecontact',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True), ('proved_at__isnull', False)), fields=('line',), name='accounts_safecontact_one_counts'),
        ),
        migrations.AddConstraint(
            model_name='safecontact',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True), ('proved_at__isnull', True)), fields=('line',), name='accounts_safecontact_one_waits'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('doubt_at__isnull', True), ('taken_at__isnull', False)), fields=['taken_at'], name='accounts_message_taken'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('doubt_at__isnull', False)), fields=['doubt_at'], name='accounts_message_doubt'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('taken_at__isnull', True)), fields=['next_at'], name='accounts_message_due'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('taken_at__isnull', True)), fields=['about'], name='accounts_message_about'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['expires_at'], name='accounts_message_over'),
        ),
        migrations.AddConstraint(
            model_name='separation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='accounts_separation_closed_or_open'),
        ),
        migrations.AddConstraint(
            model_name='separation',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'done'), ('tell_from__isnull', True), _connector='OR'), name='accounts_separation_told_when_done'),
        ),
        migrations.AddConstraint(
            model_name='separation',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('line',), name='accounts_separation_one_open'),
        ),
        migrations.AddIndex(
            model_name='textedcode',
            index=models.Index(fields=['line', 'purpose', '-made_at'], name='accounts_code_newest'),
        ),
        migrations.AddIndex(
            model_name='textedcode',
            index=models.Index(fields=['sent_at'], name='accounts_code_sent'),
        ),
        migrations.AddIndex(
            model_name='codeasker',
            index=models.Index(fields=['network_hash', 'asked_at'], name='accounts_codeasker_network'),
        ),
        migrations.AddConstraint(
            model_name='codeasker',
            constraint=models.UniqueConstraint(fields=('code', 'asker'), name='accounts_codeasker_once'),
        ),
        migrations.AddIndex(
            model_name='wrongcode',
            index=models.Index(fields=['line', 'purpose', 'at'], name='accounts_wrongcode_lately'),
        ),
        migrations.AddIndex(
            model_name='wrongcode',
            index=models.Index(fields=['at'], name='accounts_wrongcode_over'),
        ),
    ]
