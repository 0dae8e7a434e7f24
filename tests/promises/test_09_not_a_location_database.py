"""Promise 9: the ledger is not a location database. No coordinates, no cell ids, no addresses, anywhere."""

import io
import json
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from accounts.primitives.sealing import unseal
from disclosures.models import HeldDisclosure
from tests.feeds import line_row, ndjson, release_row

# Words of a place, as parts of a column's or a model's name. `endpoint_url` and the like are addresses of machines.
PLACE = re.compile(
    r"(^|_)(lat|latitude|lon|lng|longitude|coord|coordinate|coordinates|geo|geom|geometry|geohash|point|position|place"
    r"|location|cell|cell_id|cgi|ecgi|tower|sector|azimuth|street|address|city|zip|postcode|postal)(_|$)",
    re.IGNORECASE,
)
MARKERS = ("47.60621", "-122.33207", "310-410-7033", "1912 Pike Place", "c23nb62w20sth")


def names_a_place(column: str) -> bool:
    """Whether a column would hold where somebody is; a mailbox is nowhere."""
    return PLACE.search(column.replace("email_address", "mailbox")) is not None


def test_no_model_has_a_field_for_a_place() -> None:
    fields = [f"{model._meta.label}.{field.name}" for model in apps.get_models() for field in model._meta.get_fields()]
    assert [name for name in fields if names_a_place(name.rpartition(".")[2])] == []


@pytest.mark.usefixtures("db")
def test_no_column_of_the_database_is_for_a_place() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
        columns = cursor.fetchall()
    geometric = {"point", "line", "lseg", "box", "path", "polygon", "circle", "geometry", "geography"}
    assert [(table, column) for table, column, kind in columns if kind in geometric] == []
    assert [(table, column) for table, column, _ in columns if names_a_place(column)] == []


@pytest.mark.usefixtures("db")
def test_a_place_in_a_feed_is_not_kept_anywhere(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(ndjson([line_row(service_address=MARKERS[3])]))
    place = {
        "latitude": MARKERS[0],
        "longitude": MARKERS[1],
        "cell": {"ecgi": MARKERS[2]},
        "address": MARKERS[3],
        "geohash": MARKERS[4],
    }
    releases = tmp_path / "releases"
    releases.write_bytes(
        ndjson(
            [
                release_row(**place),
                # One is held, one is refused: neither way does it stay.
                release_row(**place, msisdn="+12065559999"),
                release_row(**place, basis="because"),
            ]
        )
    )
    said = io.StringIO()
    for name, file in (("import_lines", lines), ("import_disclosures", releases)):
        call_command(name, str(file), "--rejects", str(tmp_path / "rejects"), stdout=said, stderr=said)
    call_command("export_line", "L1", stdout=said, reason="Due")
    kept = said.getvalue() + (tmp_path / "rejects").read_text() + everything_stored()
    assert [marker for marker in MARKERS if marker in kept] == []
    assert json.dumps("location-retrieval:read") in kept, "the search looked at what was stored"


def everything_stored() -> str:
    """Every row of every table as JSON, and what is sealed in the held rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND has_table_privilege(c.oid, 'SELECT')"
        )
        rows: list[str] = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(json_agg(t)::text, '') FROM \"{table}\" t")
            rows += [text for (text,) in cursor.fetchall()]
    held = [unseal(bytes(row.row_sealed)) for row in HeldDisclosure.objects.all()]
    assert held
    return "".join([*rows, *held])
