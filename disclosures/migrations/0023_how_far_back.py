"""How far back the ledger reaches: before that nobody can say that nobody looked."""

from django.db import migrations

# A function of the owner's, for the months themselves are nobody else's to read. The oldest month that holds anything,
# and of it the oldest day: what lies on that day is found by the month's block index, and no month is read whole. In
# the default partition is what no month was made for yet; what is kept there of a dropped month says nothing of others.
KEPT_FROM = """
CREATE FUNCTION disclosures_kept_from() RETURNS timestamptz LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    part text;
    month date;
    day timestamptz;
    held boolean;
    oldest timestamptz;
    loose timestamptz;
BEGIN
    SELECT min(occurred_at) INTO loose FROM disclosures_disclosure_default d WHERE NOT EXISTS (
        SELECT FROM disclosures_droppedmonth gone
        WHERE gone.month = date_trunc('month', d.occurred_at AT TIME ZONE 'UTC')::date);
    FOR part, month IN
        SELECT c.relname, to_date(right(c.relname, 7), 'YYYY_MM') FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'disclosures_disclosure'::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$' ORDER BY 2
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', part) INTO held;
        CONTINUE WHEN NOT held;
        FOR day IN
            SELECT step AT TIME ZONE 'UTC'
            FROM generate_series(month::timestamp, month + interval '1 month', interval '1 day') AS step
        LOOP
            EXECUTE format('SELECT min(occurred_at) FROM %I WHERE occurred_at >= $1 AND occurred_at < $2', part)
                INTO oldest USING day, day + interval '24 hours';
            IF oldest IS NOT NULL THEN
                RETURN least(oldest, loose);
            END IF;
        END LOOP;
    END LOOP;
    RETURN loose;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0022_when_it_grew")]
    operations = [migrations.RunSQL(KEPT_FROM, "DROP FUNCTION disclosures_kept_from")]
