"""JSON that others wrote is parsed in one place: `accounts.primitives.json_reader`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.sources import ROOT, calls, own_modules, place, read

# What we wrote ourselves: sealed rows, columns of our own database, files of our own data directory.
OURS = (
    "accounts/domain/auth_factors.py", "accounts/workers/email_outbox.py", "consent/domain/digest_books.py",
    "consent/domain/typesetting.py", "consent/feeds/claims.py", "consent/gate/rules.py", "consent/gate/shapes.py",
    "consent/migrations/0037_name_the_campaigns_of_what_waits.py",
    "consent/queries/termination.py", "consent/workers/archive_entries.py",
    "disclosures/domain/ingest/pending_releases.py",
    "partners/primitives/sealing.py", "portal/demo_phone.py", "portal/embedded/", "portal/openapi/",
    "support/queries/anomalies.py", "tools/bench/", "tools/demo/", "tools/management/commands/bench.py",
    "tools/management/commands/demo.py",
)  # fmt: skip
# A program of its own, which knows nothing of ours.
APART = ("tools/sandbox/",)
SPOKEN_OF = re.compile(r"json|DECODER")
# The quick look at a line of a file. Where it fails, `decode_json` says what is wrong.
QUICK = {"consent/feeds/choices.py": 1, "disclosures/feeds/releases.py": 1}


def parsers(path: Path) -> Iterator[ast.Call]:
    if not SPOKEN_OF.search(path.read_text()):
        return
    decoders = {
        target.id
        for node in ast.walk(read(path))
        if isinstance(node, ast.Assign) and "json.Decoder" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in calls(read(path)):
        called = ast.unparse(call.func)
        if (
            called in {"json.loads", "json.load", "msgspec.json.decode"}
            or called.removesuffix(".decode") in decoders
            or called.startswith("msgspec.json.Decoder(")
            or called.endswith("DECODER.decode")
        ):
            yield call


def test_only_one_module_parses_json_from_outside() -> None:
    found: list[str] = []
    for path in own_modules():
        name = path.relative_to(ROOT).as_posix()
        if name == "accounts/primitives/json_reader.py" or name.startswith((*OURS, *APART)):
            continue
        found += [place(path, call) for call in list(parsers(path))[QUICK.get(name, 0) :]]
    assert found == []
