"""Of an anomaly the newest row of its kind in its period is kept: the fullest time may have ended before."""

import datetime

from django.db import migrations, models

# Till it is found again, the last of the fullest time; and of what older code writes, which knows of no other.
NEVER_BEFORE_THE_LAST = """
UPDATE disclosures_anomaly SET newest_at = last_at;
CREATE FUNCTION disclosures_anomaly_newest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.newest_at := greatest(NEW.newest_at, NEW.last_at);
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_anomaly_newest BEFORE INSERT OR UPDATE ON disclosures_anomaly
    FOR EACH ROW EXECUTE FUNCTION disclosures_anomaly_newest();
"""
UNDO = "DROP TRIGGER disclosures_anomaly_newest ON disclosures_anomaly; DROP FUNCTION disclosures_anomaly_newest"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0020_notices_kept_with_their_line")]
    operations = [
        migrations.AddField(
            model_name="anomaly",
            name="newest_at",
            field=models.DateTimeField(db_default=datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)),
        ),
        migrations.RunSQL(NEVER_BEFORE_THE_LAST, UNDO),
    ]
