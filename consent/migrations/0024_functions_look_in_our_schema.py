"""Fix where functions look names up, so that a temporary table named like ours changes nothing."""

from django.db import migrations

# What a query would otherwise call row by row is bound to what it names when it is made, and still becomes part of
# the query. A function with a setting of its own never does.
FIX = r"""
DO $do$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure AS name, p.proname = ANY ('{consent_us, consent_kept, consent_digest_bucket}') AS is_bound, p.prosrc,
            pg_get_functiondef(p.oid) AS whole
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'consent\_%' AND p.prosqlbody IS NULL
            AND p.proconfig IS NULL
    LOOP
        IF one.is_bound THEN
            EXECUTE replace(one.whole, 'AS $function$' || one.prosrc || '$function$',
                'BEGIN ATOMIC ' || one.prosrc || '; END');
        ELSE
            EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', one.name);
        END IF;
    END LOOP;
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0023_set_aside")]
    operations = [migrations.RunSQL(FIX, migrations.RunSQL.noop)]
