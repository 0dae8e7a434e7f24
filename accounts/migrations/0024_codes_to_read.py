"""Know codes by which somebody reads while a new number holds their line. Nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0023_throttles'),
    ]

    operations = [
        migrations.AlterField(
            model_name='textedcode',
            name='purpose',
            field=models.CharField(choices=[('stop', 'Stop all sharing'), ('sign_in', 'Sign in'), ('ask', 'Answer a question'), ('stop_for', 'Have our support stop sharing'), ('read', 'Read while a new number holds the line')], max_length=10),
        ),
        migrations.AlterField(
            model_name='wrongcode',
            name='purpose',
            field=models.CharField(choices=[('stop', 'Stop all sharing'), ('sign_in', 'Sign in'), ('ask', 'Answer a question'), ('stop_for', 'Have our support stop sharing'), ('read', 'Read while a new number holds the line')], max_length=10),
        ),
    ]
