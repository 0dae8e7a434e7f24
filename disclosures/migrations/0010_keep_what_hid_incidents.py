"""Keep by which hidden releases the last finding of an incident went before that was written down.

1.0 left such an incident everywhere, closed or with "0". Which of them an order hides is found once, by its releases:
of the incident's company and year, and judged as its rule asks. They come back with the order's end as all others do.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Nothing is on record for it, standing or cleared, nor was anything kept. Of claims, which no order is about, there is
# none among them.
LEFT = """
SELECT found.id, found.kind, left(found.key, 4), substr(found.key, 6) FROM audit_incident found
WHERE found.count = 0 AND found.kind = ANY (ARRAY['after_stop', 'no_approval', 'suspended', 'burst', 'night',
        'many_lines', 'dormant'])
    AND NOT EXISTS (SELECT FROM audit_incidentline kept WHERE kept.incident_id = found.id)
    AND NOT EXISTS (
        SELECT FROM disclosures_anomaly a WHERE a.kind = found.kind AND a.party = substr(found.key, 6)
            AND to_char(a.period, 'YYYY') = left(found.key, 4))
ORDER BY found.id
"""
HIDDEN = """
SELECT newest.line_id, newest.disclosure_id, known.occurred_at FROM (
    SELECT DISTINCT ON (line_id, disclosure_id) line_id, disclosure_id, suppressed_until
    FROM disclosures_delayednotice ORDER BY line_id, disclosure_id, number DESC
) newest JOIN disclosures_disclosureregister known ON known.id = newest.disclosure_id
WHERE suppressed_until IS NULL OR suppressed_until > now()
ORDER BY 1, 2
"""
# By its moment, as the register has it: its month is read, and no other.
RELEASE = """
SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY'), disclosures_company(path), path[3:], judgement
FROM disclosures_disclosure
WHERE line_id = %s AND id = %s AND occurred_at = %s AND basis = 'approval' AND outcome = 'released'
"""
KEEP = "INSERT INTO audit_incidentline (incident_id, line_id, disclosure_id, occurred_at) VALUES (%s, %s, %s, %s)"
JUDGED_AS = {"after_stop": "after_stop", "no_approval": "no_approval", "suspended": "partner_suspended"}


def keep(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Keep them. A statement for each hidden release, of which there are few."""
    with editor.connection.cursor() as cursor:
        cursor.execute(LEFT)
        incidents = cursor.fetchall()
        cursor.execute(HIDDEN)
        for line_id, disclosure_id, occurred_at in cursor.fetchall() if incidents else ():
            cursor.execute(RELEASE, [line_id, disclosure_id, occurred_at])
            for of_year, company, behind, judgement in cursor.fetchall():
                for pk, kind, year, party in incidents:
                    is_its = party in behind if kind == "many_lines" else party == company
                    if is_its and of_year == year and judgement == JUDGED_AS.get(kind, judgement):
                        cursor.execute(KEEP, [pk, line_id, disclosure_id, occurred_at])


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0009_ledger_on_citus"), ("audit", "0023_find_incidents_by_release")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
