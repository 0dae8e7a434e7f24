"""Which of the 65,536 buckets of a digest a partner's name for a line falls into, and the names of one bucket."""

from django.db import migrations

BUCKETS = """
CREATE FUNCTION consent_digest_bucket(sub text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT get_byte(sha256(sub::bytea), 0) * 256 + get_byte(sha256(sub::bytea), 1)
$$;
CREATE INDEX consent_digest_bucket_of ON partners_pairwisesubject (party_id, consent_digest_bucket(sub));
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_asks"), ("partners", "0004_two_officers")]
    operations = [
        migrations.RunSQL(
            BUCKETS, "DROP INDEX consent_digest_bucket_of; DROP FUNCTION consent_digest_bucket"
        )
    ]
