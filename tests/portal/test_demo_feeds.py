"""The sample data keeps what the table of people says of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError

import audit.actions
from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Anomaly, AnomalyRule
from disclosures.workers.anomalies.detection import find
from partners.models import Contract, Party
from tests.factories import a_contract, a_line
from tests.feeds import take_parties, taken
from tests.support.officers import shown, staff
from tools.demo import past, world
from tools.demo.feeds import PARTY_OF, Feeds
from tools.demo.load import SEED, sample

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_worried_subscriber_has_fourteen_months_of_history(tmp_path: Path) -> None:
    endpoints = {key: f"http://127.0.0.1:1/{key}" for key in world.CONTRACTS}
    Feeds(seed=7, at=AT, endpoints=endpoints).write(tmp_path)
    (number,) = {line.msisdn for line in world.LINES if line.line_id == world.DANA}
    rows = map(json.loads, (tmp_path / "disclosures.ndjson").read_text().splitlines())
    times = [datetime.fromisoformat(row["occurred_at"]) for row in rows if row["msisdn"] == number]
    assert AT - timedelta(days=430) < min(times) < AT - timedelta(days=420)


@pytest.mark.usefixtures("db", "no_broker")
@pytest.mark.nightly
def test_every_kind_of_anomaly_is_there_to_be_seen(tmp_path: Path) -> None:
    at = database_clock()
    # Elsewhere than in the demo no loopback address is taken, and every company has its keys on its own host.
    Feeds(seed=SEED, at=at, endpoints={key: f"https://{key}.example" for key in world.CONTRACTS}).write(tmp_path)
    taken(LinesFeed(), (tmp_path / "lines.csv").read_bytes(), as_csv=True)
    document = json.loads((tmp_path / "parties.json").read_text())
    take_parties({**document, "parties": [party | {"jwks_uri": None} for party in document["parties"]]})
    for feed, name in ((ApprovalsFeed(), "approvals"), (ChoicesFeed(), "choices"), (DisclosuresFeed(), "disclosures")):
        fates = taken(feed, (tmp_path / f"{name}.ndjson").read_bytes())
        assert {(fate.status, fate.reason) for fate in fates} == {("accepted", "")}
    lines = dict(Line.objects.values_list("pk", "carrier_id"))
    ruth = next(pk for pk, name in lines.items() if name == world.RUTH)
    stop(
        line_id=ruth, scope="campaign", ref="CMP-SKIPFIND-M", actor="subscriber:1", channel="web",
        reason="never_agreed",
    )  # fmt: skip
    find(at=database_clock())
    found: dict[str, set[str]] = {}
    for kind, line_id in Anomaly.objects.filter(cleared_at=None).values_list("kind", "line_id"):
        found.setdefault(kind, set()).add(lines.get(line_id or 0, ""))
    # That we suspended somebody ourselves comes in no file.
    assert set(found) == set(AnomalyRule.Kind.values) - {"suspended"}
    wanted = {"after_stop": world.DANA_SPARE, "burst": world.LEO, "night": world.MIA, "dormant": world.QUIET}
    assert {kind: line for kind, line in wanted.items() if line not in found[kind]} == {}
    assert world.SAM not in set().union(*found.values()), "nothing was ever shared of his"
    assert Incident.objects.filter(kind__in=found).values("kind").distinct().count() == 7


@pytest.mark.django_db
def test_only_a_database_that_a_demo_began_is_gone_on_with_whatever_lines_came_in_since(tmp_path: Path) -> None:
    """`done` says that the sample is in: nothing is brought in here."""
    endpoints = {key: f"http://127.0.0.1:1/{key}" for key in world.CONTRACTS}
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "done").touch()
    a_line(carrier_id="L-1")
    with pytest.raises(CommandError, match="lines that the demo did not make"):
        sample(data_dir=tmp_path, at=AT, endpoints=endpoints, tell=print)
    a_line(carrier_id="DEMO-0001")
    sample(data_dir=tmp_path, at=AT, endpoints=endpoints, tell=print)


@pytest.mark.django_db
def test_partners_that_listen_elsewhere_this_time_are_spoken_to_there_and_officers_are_told(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "done").touch()
    a_line(carrier_id="DEMO-0001")
    key, ref = next(iter(world.CONTRACTS.items()))
    party = Party.objects.create(uri=PARTY_OF[key].uri, name="Meridian", kind="aggregator")
    a_contract(party, ref=ref)
    for port in (1, 1, 2):
        endpoints = dict.fromkeys(world.CONTRACTS, f"http://127.0.0.1:{port}")
        sample(data_dir=tmp_path, at=AT, endpoints=endpoints, tell=print)
        contract = Contract.objects.select_related("aggregator").get()
        assert (contract.endpoint_url, contract.jwks_uri, contract.aggregator.jwks_uri) == (
            f"http://127.0.0.1:{port}/events", f"http://127.0.0.1:{port}/jwks.json",
            f"http://127.0.0.1:{port}/jwks.json",
        )  # fmt: skip
        told = Incident.objects.filter(kind="addresses_by_operator").values_list("subject", flat=True)
        assert list(told) == [party.uri] * 2 * (port == 2)


@pytest.mark.django_db
def test_a_whole_year_is_over_of_which_a_certificate_can_be_made() -> None:
    """The demo's first keys were made today, before anything else was written down."""
    at = database_clock()
    audit.actions.record(action="key.published", actor="system:rotation", target="key:1", at=at)
    for one in world.PARTIES:
        Party.objects.create(uri=one.uri, name=one.name, kind=one.kind)
    for _ in range(2):
        past.add_companies(at=at)
    officer, year = staff(), at.year - 1
    offered = f"Annual CPNI certificate {year} Annual CPNI certificate CCPA metrics {at.year} CCPA metrics {year} CCPA"
    assert offered in shown(officer, "/admin/documents/make/")
    certificate = shown(officer, f"/admin/documents/make/certificate/{year}/", {"kind": "fault", "reason": "Filing."})
    assert f"From 1 January to 31 December {year}. Times are in UTC." in certificate
    added = shown(officer, f"/admin/parties/{Party.objects.get(uri=world.PARTIES[0].uri).pk}/")
    assert added.count("company: added") == 1
