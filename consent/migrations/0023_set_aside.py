"""A yes that came by a number when it was no longer its line's counts for nothing there; the ledger keeps it."""

from django.db import migrations, models

GUARDS = """
CREATE TRIGGER consent_setaside_append_only BEFORE UPDATE OR DELETE ON consent_setaside
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_setaside_no_truncate BEFORE TRUNCATE ON consent_setaside
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- What the gate row has of one campaign, from the ledger without what is set aside. The person's own yes never is.
CREATE FUNCTION consent_after_set_aside(g consent_linegate, named text) RETURNS consent_linegate
LANGUAGE plpgsql AS $$
DECLARE
    yeses jsonb;
    claimed bigint;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(consent_us(yes.at), consent_us(yes.until), yes.origin)) INTO yeses
    FROM (
        SELECT a.id, a.captured_at AS at, a.expires_at AS until, 'file' AS origin FROM consent_approval a
        WHERE a.line_id = g.line_id AND a.campaign = named AND a.verified_by = 'carrier'
        UNION ALL
        SELECT c.id, c.made_at, c.until, c.origin FROM consent_choice c
        WHERE c.line_id = g.line_id AND c.kind = 'allow' AND c.ref = named
    ) yes
    WHERE NOT EXISTS (SELECT FROM consent_setaside s WHERE s.line_id = g.line_id AND s.yes_id = yes.id);
    SELECT min(consent_us(a.captured_at)) INTO claimed FROM consent_approval a
    WHERE a.line_id = g.line_id AND a.campaign = named AND a.verified_by = 'partner'
        AND NOT EXISTS (SELECT FROM consent_setaside s WHERE s.line_id = g.line_id AND s.yes_id = a.id);
    g.version := g.version + 1;
    g.approvals := g.approvals - named;
    g.claims := g.claims - named;
    IF yeses IS NOT NULL THEN
        g.approvals := g.approvals || jsonb_build_object(named, consent_kept(yeses));
    END IF;
    IF claimed IS NOT NULL THEN
        g.claims := g.claims || jsonb_build_object(named, claimed);
    END IF;
    RETURN g;
END $$;

CREATE FUNCTION consent_set_aside_moves_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE g consent_linegate := consent_locked_gate(NEW.line_id);
BEGIN
    IF NOT EXISTS (SELECT FROM consent_approval a
            WHERE a.line_id = NEW.line_id AND a.id = NEW.yes_id AND a.campaign = NEW.campaign)
        AND NOT EXISTS (SELECT FROM consent_choice c
            WHERE c.line_id = NEW.line_id AND c.id = NEW.yes_id AND c.ref = NEW.campaign
                AND c.kind = 'allow' AND c.origin = 'file')
    THEN
        RAISE EXCEPTION 'only a yes of a file, or a claim, is set aside'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_set_aside_is_a_yes_of_a_file';
    END IF;
    PERFORM consent_put_gate(consent_after_set_aside(g, NEW.campaign));
    RETURN NULL;
END $$;
CREATE TRIGGER consent_set_aside_moves_gate AFTER INSERT ON consent_setaside
    FOR EACH ROW EXECUTE FUNCTION consent_set_aside_moves_gate();
"""
GUARDS_UNDO = """
DROP FUNCTION consent_set_aside_moves_gate CASCADE;
DROP FUNCTION consent_after_set_aside;
"""
REPLAYED = """
CREATE OR REPLACE FUNCTION consent_replayed_gate(line bigint) RETURNS consent_linegate LANGUAGE plpgsql AS $$
DECLARE g consent_linegate; c consent_choice; a consent_approval; <declared>
BEGIN
    SELECT * INTO g FROM consent_linegate WHERE line_id = line;
    g.version := 0; g.newest_at := NULL; g.stops := '{}'; g.pauses := '{}'; g.approvals := '{}'; g.claims := '{}';
    FOR c IN SELECT * FROM consent_choice WHERE line_id = line ORDER BY id LOOP
        g := consent_after_choice(g, c);
    END LOOP;
    FOR a IN SELECT * FROM consent_approval WHERE line_id = line ORDER BY id LOOP
        g := consent_after_approval(g, a);
    END LOOP;
    <set aside>RETURN g;
END $$;
"""
SET_ASIDE = """FOR s IN SELECT * FROM consent_setaside WHERE line_id = line ORDER BY yes_id LOOP
        g := consent_after_set_aside(g, s.campaign);
    END LOOP;
    """
REPLAY = REPLAYED.replace("<declared>", "s consent_setaside;").replace("<set aside>", SET_ASIDE)
REPLAY_UNDO = REPLAYED.replace("<declared>", "").replace("<set aside>", "")


class Migration(migrations.Migration):
    dependencies = [("consent", "0022_kept_rows_of_lines")]
    operations = [
        migrations.CreateModel(
            name="SetAside",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "line_id", "yes_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("line_id", models.BigIntegerField()),
                ("yes_id", models.UUIDField()),
                ("campaign", models.CharField(max_length=200)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(GUARDS, GUARDS_UNDO),
        migrations.RunSQL(REPLAY, REPLAY_UNDO),
    ]
