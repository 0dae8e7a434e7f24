"""A campaign that comes while a link is written, or a link while a campaign is: the later one sees the other."""

from django.db import migrations

# Neither sees what the other has not committed, and a new campaign has no cover yet whose lock they would both want.
# So they take turns; what follows in the function sees all that was committed by then. Nothing is locked before this
# that another's turn could wait for: both write first, and tell the trail afterwards.
TURNS = """
CREATE OR REPLACE FUNCTION partners_cover_campaign() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_advisory_xact_lock(hashtext('partners.kin'));
    END IF;
    PERFORM partners_refresh_cover(NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION partners_cover_kin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('partners.kin'));
    PERFORM partners_refresh_cover(id) FROM partners_campaign ORDER BY id;
    RETURN NULL;
END $$;
-- What came at once before now.
SELECT partners_refresh_cover(id) FROM partners_campaign ORDER BY id;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0018_received")]
    operations = [migrations.RunSQL(TURNS, migrations.RunSQL.noop)]
