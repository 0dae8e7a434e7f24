"""Promise 9: what a feed or the gateway says of a place is nowhere afterwards: no dump, no log, no file, no page."""

import json
import subprocess
from contextlib import suppress
from pathlib import Path

from portal.embedded import cluster
from tests.faults.programs import database_url
from tests.feeds import ndjson
from tests.promises.through_the_doors.files import ROADSIDE, Line, approval, release
from tests.promises.through_the_doors.product import Product

# Each stands for one way to say where somebody is.
PLACE = {
    "latitude": "47.606213", "longitude": "-122.332071", "location": {"type": "Point", "coordinates": [47.606214, 9]},
    "cell": {"ecgi": "310-410-70335"}, "cellId": "310410703361", "timing_advance": 31415926,
    "address": "1912 Pike Place", "civicAddress": {"A6": "Post Alley 93"}, "geohash": "c23nb62w20sth",
}  # fmt: skip
MARKS = (
    "47.606213", "122.332071", "47.606214", "310-410-70335", "310410703361", "1912 Pike Place", "c23nb62w20sth",
    "31415926", "Post Alley 93",
)  # fmt: skip


def dump(product: Product) -> str:
    """All that the database holds, as its own tool writes it."""
    owner = database_url("owner", name=product.database)
    done = subprocess.run([cluster.binary("pg_dump"), owner], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def files(folder: Path) -> str:
    """All that the programs wrote beside it, their logs included; but not the carrier's own files."""
    while True:
        found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".file"]
        # What is finished meanwhile has another name then: all is read again.
        with suppress(FileNotFoundError):
            return "\n".join(f"{path}\n{path.read_bytes().decode(errors='replace')}" for path in found)


def test_a_place_in_files_and_reports_is_nowhere_afterwards(product: Product) -> None:
    known = product.next_line()
    later = Line(f"{known.line_id}-later", known.msisdn.replace("+1206555", "+1206444"), "A-later")
    ids = {name: f"{name}-{known.line_id}" for name in ("placed", "held", "refused", "reported")}
    product.takes("import_lines", [known.row(service_address="1912 Pike Place", **PLACE)])
    product.takes("import_approvals", [approval(known, ROADSIDE, **PLACE)])
    rows = [
        release(known, ROADSIDE, id=ids["placed"], **PLACE),
        release(later, ROADSIDE, id=ids["held"], **PLACE),
        release(known, ROADSIDE, id=ids["refused"], basis="because", **PLACE),
    ]
    counted = product.takes("import_disclosures", rows)
    assert (counted["accepted"], counted["rejected"]) == (1, 2), counted
    told = product.gateway.call(
        "POST", "/api/v1/disclosures", scope="disclosures:write", content_type="application/x-ndjson",
        body=ndjson([release(known, ROADSIDE, id=ids["reported"], **PLACE), {"id": "no release at all", **PLACE}]),
    )  # fmt: skip
    assert told.status == 200, told
    # What was held for want of a line is kept sealed: with the line it is out of its seal, for its person.
    product.takes("import_lines", [later.row()])
    person, late = product.signs_in(known), product.signs_in(later)
    shown = [
        browser.get(path).text
        for browser in (person, late)
        for path in ("/home/", "/history/", "/history/download.csv", "/history/download.json", "/access-log/")
    ]
    exported = [product.command("export_line", line.line_id, "--reason", "asked").stdout for line in (known, later)]
    assert [len(json.loads(one)["disclosures"]) for one in exported] == [4, 1]
    everything = "\n".join([dump(product), files(product.folder), *shown, *exported])
    assert [mark for mark in MARKS if mark in everything] == []
    # That is no wonder of looking in the wrong place.
    assert all(mark in everything for mark in ("CMP-road", ids["placed"], ids["reported"], "Text to"))
