"""A company's name in another spelling is the same company: its stops cover both."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

# The first of each spelling, with which the later ones are the same.
KNOWN = """
CREATE INDEX IF NOT EXISTS partners_party_bare ON partners_party (partners_bare_uri(uri));
INSERT INTO partners_kin (of, ref, kin_ref, link, recorded_at)
SELECT 'party', later.uri, first.uri, 'same_as', now()
FROM partners_party later CROSS JOIN LATERAL (
    SELECT p.uri FROM partners_party p WHERE partners_bare_uri(p.uri) = partners_bare_uri(later.uri) AND p.id < later.id
        AND octet_length(p.uri) + octet_length(later.uri) <= 2000
    ORDER BY p.id LIMIT 1) first
WHERE later.uri <> 'unknown' AND partners_bare_uri(later.uri) <> '' ON CONFLICT DO NOTHING;
INSERT INTO partners_unsettledchange (kind, of, ref, recorded_at)
SELECT 'link', 'party', k.ref, now() FROM partners_kin k
WHERE k.of = 'party' AND partners_bare_uri(k.ref) = partners_bare_uri(k.kin_ref);
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0034_both_are_officers_still")]
    operations = [InstallSQL("cover"), migrations.RunSQL(KNOWN, migrations.RunSQL.noop)]
