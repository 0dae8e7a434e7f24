"""Limit guesses at each door by rows, and know browsers by a cookie. The rows of wrong passwords stay for older code."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0022_when_we_learned'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceCookie',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField()),
                ('last_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='device_cookies', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'token_hash'), name='accounts_devicecookie_once')],
            },
        ),
        migrations.CreateModel(
            name='SpentCode',
            fields=[
                ('code_hash', models.BinaryField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True)),
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
    ]
