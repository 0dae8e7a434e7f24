CREATE OR REPLACE FUNCTION consent_digest_bucket(sub text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT get_byte(sha256(sub::bytea), 0) * 256 + get_byte(sha256(sub::bytea), 1);
END;
