"""Promise 11: a row under a delayed-notice order is not there, for anybody, until it lifts."""

import io
import json
import re

import pytest
from django.core.management import call_command

from accounts.models import Line
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.actions.consent_requests import retrieve_status
from consent.models import LineGate, RejudgeRequest
from disclosures.models import Disclosure
from partners.models import Campaign, Dealing, Party, Reach
from revocations.models import Order
from revocations.queries.coverage import coverage_of
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    TRACK,
    Row,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    told,
)
from tests.promises.hidden import BOTH, FOREVER, GAGGED, HIDDEN, PLAIN, two_lines_alike
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db")


def export(carrier_id: str) -> str:
    """The export as bytes would compare: what names the line itself, and the moments of this very test, taken out."""
    out = io.StringIO()
    call_command("export_line", carrier_id, stdout=out, reason="Due")
    text = out.getvalue()
    for number, name in (("101", "L-plain"), ("102", "L-gagged")):
        text = text.replace(name, "L").replace(f"+12065550{number}", "N").replace(f"of-{name}", "of-L")
    text = re.sub(r'"[0-9a-f]{8}-[0-9a-f-]{27}"', '"an id of ours"', text)
    return re.sub(r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', '"now"', text)


def test_a_hidden_row_changes_no_judgement_and_no_export() -> None:
    two_lines_alike()
    before = traces()
    for hidden in HIDDEN:
        with undone():
            fates = take_releases(release_row(msisdn=GAGGED, suppressed_until=FOREVER, **hidden))
            assert told(fates) == [("accepted",)], f"no judgement is told of {hidden}"
            assert Disclosure.objects.filter(source_id=hidden["id"]).count() == 1, "it is kept all the same"
            assert traces() == before, hidden
            # What comes later, a stop and an approval, moves both in the same way.
            for number, name in BOTH:
                take_choices(choice_row(id=f"c-of-{name}", msisdn=number, scope="party", ref=ROAD))
            # A partner that asks how they stand is told alike.
            assert told_of(PLAIN) == told_of(GAGGED) != [], hidden
            for number, name in BOTH:
                take_approvals(approval_row(id=f"b-of-{name}", msisdn=number, captured_at="2025-08-15T00:00:00Z"))
            assert export("L-plain") == export("L-gagged"), hidden


def told_of(number: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for campaign in Campaign.objects.select_related("contract").order_by("ref"):
        answer = retrieve_status(
            client_id=campaign.ref, party_id=campaign.contract.aggregator_id, msisdn=number, scopes=[campaign.scope],
            purpose=campaign.purpose, campaign=campaign.ref, capture=True, callback="", at=database_clock(),
        )  # fmt: skip
        found += [(campaign.ref, told.reason) for _, told in answer.by_scope]
    return found


def traces() -> dict[str, object]:
    """All that a row leaves behind where somebody could see it, by line."""
    names = dict(Line.objects.values_list("pk", "carrier_id"))
    return {
        "parties": sorted(Party.objects.values_list("uri", flat=True)),
        "dealings": sorted(Dealing.objects.values_list("line_id", "aggregator__uri", "party__uri", "last_at")),
        "reach": sorted(Reach.objects.values_list("campaign__ref", "party__uri")),
        "incidents": Incident.objects.count(),
        "events": sorted(AuditEvent.objects.exclude(line_id=None).values_list("line_id", "action")),
        "gates": {names[gate.line_id]: (gate.version, gate.approvals, gate.stops) for gate in LineGate.objects.all()},
        "touched": RejudgeRequest.objects.count(),
    }


def test_a_row_appears_marked_when_its_order_lifts() -> None:
    two_lines_alike()
    take_releases(release_row(id="h", msisdn=GAGGED, path=[BRIDGE, ROAD, JAIL], suppressed_until=FOREVER))
    lifted = {"disclosure_id": "h", "suppressed_until": "2026-11-01T00:00:00Z", "order_ref": "lifted"}
    assert told(take_notices(lifted)) == [("accepted",)]
    row = next(row for row in json.loads(export("L-gagged"))["disclosures"] if row["id"] == "h")
    assert (row["judgement"], row["told_later"]) == ("permitted", True)
    assert Dealing.objects.filter(party__uri=JAIL).count() == 1


def test_a_row_hidden_anew_is_gone_again() -> None:
    two_lines_alike()
    gag = {"disclosure_id": "r-of-L-gagged", "suppressed_until": None, "order_ref": "order-7"}
    assert told(take_notices(gag)) == [("accepted",)]
    assert [row["id"] for row in json.loads(export("L-gagged"))["disclosures"]] == ["s-of-L"]


@pytest.mark.usefixtures("no_broker")
def test_a_row_hidden_later_is_gone_stops_reach_everyone() -> None:
    """Decision 20: what partners are told by stays, or one partner fewer would be the trace of the order."""
    two_lines_alike()
    never_had_it = export_but_for_looks("L-gagged")
    for number, name in BOTH:
        assert told(take_releases(release_row(id=f"t-of-{name}", msisdn=number, **THROUGH_ANOTHER))) == [
            ("accepted", "no_approval")
        ]
    recorded = traces()
    gag = {"disclosure_id": "t-of-L-gagged", "suppressed_until": None, "order_ref": "order-7"}
    assert told(take_notices(gag)) == [("accepted",)]
    # The two short rows, and all else that it left, are as they were; the release is nowhere, as if it had never been.
    assert traces() == recorded
    assert export_but_for_looks("L-gagged") == never_had_it != export_but_for_looks("L-plain")
    assert Reach.objects.filter(campaign__ref="CMP-track", party__uri=JAIL).exists()
    # A stop tells the same partners for both lines, and asks of each what it asks for the other.
    plain, gagged = (Line.objects.get(carrier_id=name) for name in ("L-plain", "L-gagged"))
    for line in (plain, gagged):
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert orders_of(plain) == orders_of(gagged)
    assert {uri for uri, _, _ in orders_of(gagged)} == {BRIDGE, LINK}
    # A receipt is whole for both once the same companies have signed.
    assert to_sign(gagged, LINK) == to_sign(plain, LINK) == 2


THROUGH_ANOTHER: Row = {
    "aggregator": LINK, "path": [LINK, TRACK, JAIL], "campaign": "CMP-track", "purpose": "dpv:IdentityVerification",
    "occurred_at": "2025-09-02T00:00:00Z",
}  # fmt: skip


def orders_of(line: Line) -> list[tuple[str, list[object], list[object]]]:
    """Who is told for this line, what is allowed there still, and what is asked."""
    uris = dict(Party.objects.values_list("pk", "uri"))
    asked = Order.objects.filter(line_id=line.pk).values_list("party_id", "snapshot")
    return sorted(
        (uris[party_id], snapshot["state"], [duty["action"] for duty in snapshot["duties"]])
        for party_id, snapshot in asked
    )


def to_sign(line: Line, aggregator: str) -> int:
    """How many companies have to sign, too, before this partner's receipt counts as whole."""
    order = Order.objects.get(line_id=line.pk, party_id=Party.objects.get(uri=aggregator).pk)
    return len(coverage_of(orders=[order])[order.id].missing)


def export_but_for_looks(carrier_id: str) -> dict[str, object]:
    """The export without the log, in which each export is itself written down."""
    return {name: part for name, part in json.loads(export(carrier_id)).items() if name != "access_log"}


def test_a_later_campaign_does_not_show_whom_hidden_rows_reached() -> None:
    document = parties_document()
    take_parties({**document, "campaigns": []})
    take_lines(line_row(line_id="L-gagged", msisdn=GAGGED))
    take_releases(
        release_row(msisdn=GAGGED, path=[BRIDGE, ROAD, JAIL], suppressed_until=FOREVER),
        release_row(msisdn=GAGGED, path=[BRIDGE, ROAD, TRACK]),
    )
    take_parties(document)
    assert list(Reach.objects.values_list("campaign__ref", "party__uri")) == [("CMP-road", TRACK)]
