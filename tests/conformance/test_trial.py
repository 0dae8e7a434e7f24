"""The sandbox passes every case; with a fault it fails exactly the cases that the fault breaks."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.domain import keys
from partners.models import Party, SigningKey
from partners.primitives.tokens import Json
from revocations import models
from revocations.actions.cohorts import NoSuchManifest, fetch_manifest
from revocations.actions.streams import create_stream
from revocations.actions.trials import record_trial_receipt
from revocations.domain.receipts import ParsedReceipt
from revocations.domain.streams import Delivery, RequestedStream
from tests.conformance.receiver import Receiver
from tests.conformance.site import BELOW, Aggregator, Sandbox
from tests.factories import a_campaign, a_line, a_party
from tests.partners.outside import Answer, Outside
from tests.sandbox.process import until
from tests.selection import drawn
from tools.conformance.report import CASES, PAUSE_S, NoTarget, Report, for_seconds, target
from tools.conformance.run import Limits, Trial
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

EVERYTHING = {*CASES}
UNSEEN = {"reordered", "late-order", "unknown-words", "spoiled-cohort", "downstream", "unregistered-below"}
# Of a partner that gave us no header.
NO_HEADER = {"authorization"}
ACCEPTING = {
    "verification", "stream-updated", "good-order", "empty-state", "repeated", "reordered", "rotated-key",
    "unknown-words", "cohort", "part-cohort", "spoiled-cohort", "oversized", "evidence", "unregistered-below",
}  # fmt: skip
REFUSING = {"wrong-key", "unknown-key", "wrong-audience", "audience-list", "wrong-issuer"}
# Refused by the code that a partner in trouble says of everything.
INVALID = {"typ-missing", "alg-none", "hs256", "two-events", "unknown-event", "sub-claim", "exp-claim"}
# fault: the cases it fails, and those of which nothing can be seen then.
FAULTS: dict[str, tuple[set[str], set[str]]] = {
    "none": (set(), set()),
    "duplicate": (set(), set()),
    "slow": ({"verification", "answer-time"}, EVERYTHING - {"verification", "answer-time"}),
    "down": ({"verification"}, EVERYTHING - {"verification"}),
    "err400": (ACCEPTING | REFUSING, {"receipts", "cohort-receipt", "downstream", "late-order"}),
    "err500": (
        ACCEPTING | REFUSING | INVALID | {"error-form"},
        {"receipts", "cohort-receipt", "downstream", "late-order", "error-type", "error-language"},
    ),
    "drop-receipt": ({"receipts", "cohort-receipt", "part-cohort", "evidence"}, UNSEEN),
    "partial": ({"downstream"}, {"unregistered-below"}),
    "gullible": (
        REFUSING | INVALID | {"error-form", "cohort", "part-cohort", "receipts", "cohort-receipt", "evidence"},
        UNSEEN,
    ),
    "mislabel": ({"error-type", "error-language"}, set()),
    "forget": ({"cohort", "part-cohort", "receipts", "cohort-receipt", "evidence"}, UNSEEN),
    "no-evidence": ({"evidence"}, set()),
    "deaf": ({"unregistered-below"}, set()),
}


def wait_while(sandbox: Sandbox) -> Callable[[Callable[[], bool]], bool]:
    """Wait until it has come, or until the partner has nothing left to do: then it never comes."""

    def idle() -> bool:
        orders, cohorts = sandbox.get("/state"), sandbox.get("/cohorts")
        if not all(one["carried_out"] for one in orders) or any(one["state"] == "owed" for one in cohorts):
            return False
        dropped = sandbox.get("/healthz")["fault"] == "drop-receipt"
        return all(dropped or one["state"] != "queued" for one in sandbox.get("/receipts"))

    def wait(condition: Callable[[], bool]) -> bool:
        found = False

        def done() -> bool:
            nonlocal found
            still = idle()
            found = condition()
            return found or still

        until(done)
        return found

    return wait


def tried(sandbox: Sandbox, aggregator: Aggregator, *, answer_s: float = 10.0) -> Report:
    found = target(name=aggregator.party.name, at=datetime.now(UTC))
    limits = Limits(wait=wait_while(sandbox), again=for_seconds(20), answer_s=answer_s)
    return Trial(target=found, limits=limits, clock=lambda: datetime.now(UTC)).run()


@pytest.mark.parametrize("fault", [*drawn(FAULTS, of=4)])
def test_a_fault_fails_exactly_what_it_breaks(sandbox: Sandbox, aggregator: Aggregator, fault: str) -> None:
    sandbox.post(f"/fault?name={fault}&seconds=60")
    report = tried(sandbox, aggregator, answer_s=0.5 if fault == "slow" else 10.0)
    found = report.verdicts()
    failed, unknown = FAULTS[fault]
    assert {name for name, verdict in found.items() if verdict == "FAIL"} == failed, report.as_text()
    assert {name for name, verdict in found.items() if verdict == "unknown"} == unknown | NO_HEADER - failed, (
        report.as_text()
    )
    assert report.has_passed == (not failed)
    assert [*found] == [*CASES]


def test_the_end_of_a_part_is_not_taken_for_the_end_of_all(site: str, aggregator: Aggregator, tmp_path: Path) -> None:
    """And a push by another header than the partner's own, or by none, is refused."""
    second = a_campaign(aggregator.contract, a_party("TowHelp", "lbs_provider")).lbs_provider
    options = ("--downstream", f"{BELOW},{second.uri}", "--manage-stream", "--authorization", "Bearer of-its-own")
    sandbox = Sandbox(site, aggregator, tmp_path, *options)
    Party.objects.filter(pk=second.pk).update(jwks_uri=sandbox.url + jwks_path(slug(second.uri)))
    try:
        until(lambda: bool((sandbox.get("/stream") or {}).get("configuration")))
        good = tried(sandbox, aggregator)
        assert good.has_passed, good.as_text()
        assert "unknown" not in good.verdicts().values(), good.as_text()
        found = {finding.case.name: finding.seen for finding in good.findings}
        assert found["authorization"] == "another header: 401 authentication_failed; none: 401 authentication_failed"
        assert found["unregistered-below"] == "refused with 400, and handed in again"
        sandbox.post("/fault?name=wholesale")
        bad = tried(sandbox, aggregator)
        failed = {finding.case.name: finding.seen for finding in bad.findings if finding.verdict == "FAIL"}
        assert failed == {"part-cohort": f"202; told {second.uri}, whose use goes on"}, bad.as_text()
    finally:
        sandbox.end()


def everything() -> dict[str, int]:
    """How many rows each table has, but for those of trials, keys and the audit trail."""
    apart = {"Trial", "TrialOrder", "TrialReceipt", "TrialShard", "SigningKey", "PartnerKeySet", "UsedAssertion"}
    apps_of_ours = ("support", "disclosures", "consent", "revocations", "partners", "accounts")
    found = [model for label in apps_of_ours for model in apps.get_app_config(label).get_models()]
    return {model.__name__: model._default_manager.count() for model in found if model.__name__ not in apart}


def test_the_command_tries_it_whole_and_leaves_no_trace_in_anything_real(
    sandbox: Sandbox, aggregator: Aggregator, site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line, signing = a_line(), keys.signer(use=SigningKey.Use.ORDER).kid
    before, events = everything(), AuditEvent.objects.count()
    call_command("check_partner", aggregator.contract.ref, "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["partner"], said["url"], said["passed"]) == ("GeoBridge", f"{sandbox.url}/events", True)
    assert [one["case"] for one in said["findings"]] == [*CASES]
    # Nothing of it is real.
    assert everything() == before
    assert before["Line"] == 1
    new = AuditEvent.objects.order_by("pk")[events:]
    # Signing in for receipts is written down like any; no line is named.
    assert {event.action for event in new} - {"token.issued"} == {
        "trial.started", "trial.ended", "key.published", "key.retired",
    }  # fmt: skip
    assert not AuditEvent.objects.filter(line_id=line.pk).exists()
    (trial,) = models.Trial.objects.all()
    assert (trial.report, trial.ended_at is None) == (said, False)
    received, agreement = sandbox.get("/received"), f"{site}/agreements/trial.{trial.pk.hex}"
    assert {one["sub"][:3] for one in received} == {"k0."}
    assert {one["agreement"] for one in received} == {agreement, f"{agreement}.part"}
    # Its key signs nothing else, and is taken back.
    (key,) = SigningKey.objects.filter(use=keys.TRIAL)
    assert key.retired_at is not None
    assert keys.signer(use=SigningKey.Use.ORDER).kid == signing
    at = database_clock()
    assert key.kid not in {one["kid"] for one in keys.jwks(at=at)["keys"]}
    (archived,) = [one for one in keys.archive(at=at)["keys"] if one["kid"] == key.kid]
    assert "revoked" not in archived
    # Another partner sees nothing of it.
    other, shard, order = a_party("NorthLink"), models.TrialShard.objects.first(), models.TrialOrder.objects.first()
    assert shard is not None
    assert order is not None
    with pytest.raises(NoSuchManifest):
        fetch_manifest(party=other, cohort_id=shard.manifest_id, number=shard.number, at=at)
    claims: dict[str, Json] = {"jti": "r-1", "sub_id": {"jti": order.jti}}
    parsed = ParsedReceipt(token="", alg="ES256", kid="k-1", claims=claims)
    assert record_trial_receipt(parsed=parsed, party=other, at=at) is False
    # Where it fails, the command does.
    sandbox.post("/fault?name=err500")
    with pytest.raises(CommandError, match="GeoBridge doesn't follow the guide yet"):
        call_command("check_partner", aggregator.party.uri, "--basic")
    printed = capsys.readouterr().out
    assert "FAIL    good-order" in printed
    assert "to fix: Check the signature by the key of that kid. (docs/guides/partners.md, rule 2)" in printed


def test_whom_it_cannot_try_it_says_in_one_line(aggregator: Aggregator) -> None:
    at = datetime.now(UTC)
    with pytest.raises(NoTarget, match="no party, name or contract 'Nobody'"):
        target(name="Nobody", at=at)
    with pytest.raises(NoTarget, match="no address of GeoBridge is known"):
        target(name="geobridge", at=at)
    aggregator.listens("https://geobridge.example/events")
    assert target(name="geobridge", at=at).url == "https://geobridge.example/events"
    wanted = RequestedStream(delivery=Delivery(method=models.Stream.Method.POLL))
    create_stream(party=aggregator.party, wanted=wanted, at=at)
    with pytest.raises(NoTarget, match="GeoBridge receives by polling"):
        target(name="GeoBridge", at=at)


def test_a_redirect_is_a_failure_and_is_not_followed(site: str, aggregator: Aggregator, outside: Outside) -> None:
    aggregator.listens(f"{outside.url}/events")
    outside.answers = [Answer(307, headers={"Location": f"{site}/healthz"})] * 100
    found = target(name="GeoBridge", at=datetime.now(UTC))
    limits = Limits(wait=lambda _: False, again=lambda look: look(), receipts=False)
    report = Trial(target=found, limits=limits, clock=lambda: datetime.now(UTC)).run()
    assert report.verdicts()["no-redirects"] == "FAIL"
    assert {asked.path for asked in outside.asked} == {"/events"}


def test_the_receiver_of_the_guide_passes_what_can_be_seen_of_it(
    site: str, aggregator: Aggregator, tmp_path: Path
) -> None:
    receiver = Receiver(site, tmp_path / "receiver.sqlite3", aggregator.party.uri)
    aggregator.listens(receiver.url)
    limits = Limits(wait=lambda look: look(), again=for_seconds(20), receipts=False)
    found = target(name="GeoBridge", at=datetime.now(UTC))
    report = Trial(target=found, limits=limits, clock=lambda: datetime.now(UTC)).run()
    receiver.end()
    verdicts = report.verdicts()
    # It leaves the list of a cohort to another program, and signs nothing.
    assert {name for name, verdict in verdicts.items() if verdict == "FAIL"} == {"cohort", "part-cohort"}, (
        report.as_text()
    )
    assert {name for name, verdict in verdicts.items() if verdict == "unknown"} == {
        *UNSEEN, *NO_HEADER, "receipts", "cohort-receipt",
    }  # fmt: skip


def test_it_waits_no_longer_than_it_may() -> None:
    looked: list[int] = []

    def look(*, found: bool) -> bool:
        looked.append(1)
        return found

    assert for_seconds(0)(lambda: look(found=False)) is False
    assert for_seconds(60)(lambda: look(found=True)) is True
    assert len(looked) == 2
    assert PAUSE_S < 1
