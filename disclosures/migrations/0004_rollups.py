"""Days of long lines, counted ahead of time; the database notes which days changed by itself where it can."""

import datetime
import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.functions.datetime
from django.db import migrations, models

# What changes a day shares a lock until it commits; a line becomes long only while nobody does (`ingest.rolling`).
# New rows are noted by whoever stores them: a trigger with a transition table would make each COPY write row by row.
NOTED = """
CREATE FUNCTION disclosures_note_rejudged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT changed.line_id, (changed.occurred_at AT TIME ZONE long.zone)::date
    FROM changed JOIN disclosures_longline long ON long.line_id = changed.line_id;
    RETURN NULL;
END $$;
CREATE TRIGGER disclosures_note_rejudged AFTER UPDATE ON disclosures_disclosure
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION disclosures_note_rejudged();

CREATE FUNCTION disclosures_note_notices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('disclosures.days'));
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT d.line_id, (d.occurred_at AT TIME ZONE long.zone)::date
    FROM changed JOIN disclosures_longline long ON long.line_id = changed.line_id
        JOIN disclosures_disclosure d ON d.line_id = changed.line_id AND d.id = changed.disclosure_id;
    RETURN NULL;
END $$;
CREATE TRIGGER disclosures_note_notices AFTER INSERT ON disclosures_delayednotice
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION disclosures_note_notices();
"""
UNDO = "DROP FUNCTION disclosures_note_rejudged CASCADE; DROP FUNCTION disclosures_note_notices CASCADE"


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0003_held_notices'),
    ]

    operations = [
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
            name='DroppedMonth',
            fields=[
                ('month', models.DateField(primary_key=True, serialize=False)),
                ('dropped_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('forgotten_at', models.DateTimeField(null=True)),
            ],
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
        migrations.RunSQL(NOTED, UNDO),
    ]
