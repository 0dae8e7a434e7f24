"""The parties file: what it may say, and what it may not change."""

import json
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from django.db import transaction

from partners.domain.keysets import jwks_uri_of
from partners.feeds import terms
from partners.feeds.parties import PartiesFeed, Unreadable, sections_of
from partners.models import Campaign, Contract, IdentifierLink, Party, Reach
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    Row,
    approval_row,
    line_row,
    parties_document,
    take_approvals,
    take_lines,
    take_parties,
    told,
)
from tests.staff import move_endpoints

pytestmark = pytest.mark.usefixtures("db")


def changed(section: str, place: int, **changes: object) -> Row:
    document: dict[str, Any] = deepcopy(parties_document())
    document[section][place] |= changes
    return document


def list_of(document: Row, section: str) -> list[object]:
    found = document[section]
    assert isinstance(found, list)
    return found


def refusals(document: Row) -> list[tuple[object, ...]]:
    return [(fate.line, fate.field, fate.reason) for fate in take_parties(document) if fate.status == "rejected"]


def test_everything_is_taken_once() -> None:
    assert told(take_parties()) == [("accepted",)] * 9
    assert told(take_parties()) == [("repeated",)] * 9
    assert Campaign.objects.get(ref="CMP-road").cover.parties == [BRIDGE, ROAD]


@pytest.mark.parametrize(
    ("uri", "refused"),
    [("urn:example:sheriff", False), ("https://", True), ("https://a@sheriff.example", True), ("sheriff", True)],
)
def test_a_party_is_named_by_a_uri_and_a_web_address_by_its_host(uri: str, *, refused: bool) -> None:
    document: dict[str, Any] = parties_document()
    document["parties"].append({"id": uri, "name": "Sheriff", "kind": "end_customer", "website": "", "about": ""})
    assert refusals(document) == [("parties[5]", "id", "not_a_uri")] * refused


def test_a_party_may_be_renamed_and_never_become_another_kind() -> None:
    take_parties()
    hostile = "<script>alert(1)</script>\u202e😀" + "x" * 900
    assert refusals(changed("parties", 2, name=hostile, website="javascript:alert(1)")) == []
    assert (Party.objects.get(uri=ROAD).name, Party.objects.get(uri=ROAD).website) == (hostile, "javascript:alert(1)")
    assert refusals(changed("parties", 2, kind="end_customer")) == [("parties[2]", "kind", "id_conflict")]


def test_an_entry_whose_row_changes_each_time_is_tried_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    readings = count()
    monkeypatch.setattr(terms, "model_to_dict", lambda _: next(readings))
    with pytest.raises(terms.ConcurrentChange):
        take_parties(changed("parties", 2, name="RoadAid Ltd"))
    assert next(readings) == 2 * 5, "the row as it was read, and as it is once it is locked"
    monkeypatch.setattr(terms, "model_to_dict", lambda _: min(next(readings), 2 * 9))
    assert refusals(changed("parties", 2, name="RoadAid Ltd")) == []
    assert Party.objects.get(uri=ROAD).name == "RoadAid Ltd"


def test_where_a_company_s_keys_are_no_file_changes() -> None:
    own, other = f"{ROAD.replace('//', '//keys.')}/jwks.json", "https://evil.example/jwks.json"
    assert refusals(changed("parties", 2, jwks_uri=other)) == [
        ("parties[2]", "jwks_uri", "not_on_its_own_host"), ("campaigns[0]", "lbs_provider", "party_unknown"),
    ]  # fmt: skip
    assert refusals(changed("parties", 2, jwks_uri=own)) == []
    # An officer's word, or the first file's, stands.
    for jwks_uri in (other, own.replace("jwks", "other")):
        assert refusals(changed("parties", 2, jwks_uri=jwks_uri)) == [
            ("parties[2]", "jwks_uri", "changed_by_officers_alone")
        ]
    assert refusals(changed("parties", 2, name="RoadAid again")) == []
    assert (Party.objects.get(uri=ROAD).name, Party.objects.get(uri=ROAD).jwks_uri) == ("RoadAid again", own)


@pytest.mark.parametrize("by", ["file", "officer", "nobody"])
def test_where_a_contract_s_keys_are_no_file_changes(by: str) -> None:
    document: dict[str, Any] = parties_document()
    if by == "nobody":
        del document["contracts"][0]["jwks_uri"]
    take_parties(document)
    if by == "officer":
        move_endpoints(Contract.objects.get(ref="AGR-1"), jwks_uri="https://geobridge.example/jwks.json")
    known = Contract.objects.get(ref="AGR-1").jwks_uri
    for another in ("https://evil.example/jwks.json", f"{BRIDGE}/other.json"):
        assert refusals(changed("contracts", 0, jwks_uri=another)) == [
            ("contracts[0]", "jwks_uri", "changed_by_officers_alone")
        ]
    for nothing in ("", None, known):
        assert refusals(changed("contracts", 0, jwks_uri=nothing, ack_within_s=1)) == []
    assert (Contract.objects.get(ref="AGR-1").jwks_uri, Contract.objects.get(ref="AGR-1").ack_within_s) == (known, 1)


def test_a_second_contract_moves_no_keys_either() -> None:
    take_parties()
    party = Party.objects.get(uri=BRIDGE)
    known = jwks_uri_of(party=party)
    newer = {"id": "AGR-9", "starts_at": "2025-01-01T00:00:00Z"}
    assert refusals(changed("contracts", 0, **newer, jwks_uri="https://evil.example/jwks.json")) == [
        ("contracts[0]", "jwks_uri", "changed_by_officers_alone")
    ]
    assert refusals(changed("contracts", 0, **newer)) == []
    assert (jwks_uri_of(party=party), Contract.objects.filter(ref="AGR-9").count()) == (known, 1)


def test_a_company_seen_in_a_path_gets_its_keys() -> None:
    Party.objects.create(uri=ROAD, name=ROAD, kind=Party.Kind.UNNAMED)
    assert refusals(changed("parties", 2, jwks_uri="https://evil.example/jwks.json"))[0] == (
        "parties[2]", "jwks_uri", "not_on_its_own_host",
    )  # fmt: skip
    assert refusals(changed("parties", 2, jwks_uri=f"{ROAD}/jwks.json")) == []
    assert Party.objects.get(uri=ROAD).jwks_uri == f"{ROAD}/jwks.json"


def test_a_bad_entry_spoils_only_itself() -> None:
    document = changed("campaigns", 0, precision_m="fine")
    document["parties"] = [7, *list_of(document, "parties"), {"id": "x"}]
    nothing: dict[str, Any] = deepcopy(parties_document())
    document["contracts"] = [*list_of(document, "contracts"), {**nothing["contracts"][0], "id": "A", "purposes": []}]
    assert refusals(document) == [
        ("parties[0]", "", "broken"),
        ("parties[6]", "name", "missing"),
        ("contracts[2]", "purposes", "missing"),
        ("campaigns[0]", "precision_m", "wrong_type"),
    ]
    assert Campaign.objects.get().ref == "CMP-track"


def test_what_is_no_such_document_is_not_read() -> None:
    for content in (b"", b"[]", b'{"parties": {}}', b'{"parties": [', b"\xff"):
        with pytest.raises(Unreadable):
            sections_of(content)
    assert PartiesFeed().chunk == 1


def test_files_do_not_loosen() -> None:
    take_parties()
    loosening, another = "loosening_needs_two_officers", ["dpv:IdentityVerification", "dpv:New"]
    of_contracts: list[tuple[str, object, str]] = [
        ("ends_at", "2095-01-01T00:00:00Z", loosening), ("starts_at", "2023-12-31T00:00:00Z", loosening),
        ("purposes", another, loosening), ("complete_within_days", 11, loosening),
        ("complete_within_days", 90, "too_large"), ("aggregator", ROAD, "id_conflict"),
        ("aggregator", "https://nobody.example", "party_unknown"),
        ("ends_at", "2024-01-01T01:00:00+01:00", "before_starts_at"),
    ]  # fmt: skip
    of_campaigns: list[tuple[str, object, str]] = [
        ("ends_at", "2095-01-01T00:00:00Z", loosening), ("names_recipient", True, loosening),
        ("contract", "AGR-9", "contract_unknown"), ("lbs_provider", "https://nobody.example", "party_unknown"),
    ]  # fmt: skip
    for section, refused in (("contracts", of_contracts), ("campaigns", of_campaigns)):
        for field, value, reason in refused:
            assert refusals(changed(section, 0, **{field: value})) == [(f"{section}[0]", field, reason)], value


def test_a_company_of_another_kind_is_no_party_to_it() -> None:
    for section, field, uris, reason in (
        ("contracts", "aggregator", (JAIL, ROAD), "not_an_aggregator"),
        ("campaigns", "lbs_provider", (JAIL, BRIDGE), "not_an_lbs_provider"),
    ):
        for uri in uris:
            before, new = transaction.savepoint_create(), changed(section, 0, **{field: uri})
            mine = [one for one in refusals(new) if one[0] == f"{section}[0]"]
            assert mine == [(f"{section}[0]", field, reason)], uri
            if section == "campaigns":
                take_parties()
                assert refusals(new) == [("campaigns[0]", field, reason)], "a change is no other way in"
            transaction.savepoint_rollback(before)


def test_a_company_only_seen_may_be_a_party() -> None:
    Party.objects.create(uri="https://seen.example", name="Seen", kind=Party.Kind.UNNAMED)
    document: dict[str, Any] = parties_document()
    document["contracts"][0]["aggregator"] = document["campaigns"][0]["lbs_provider"] = "https://seen.example"
    assert refusals(document) == []


def test_files_tighten() -> None:
    take_parties()
    document = changed("contracts", 0, ends_at="2026-01-01T00:00:00Z", purposes=["dpv:IdentityVerification"])
    assert refusals(document) == []
    contract = Contract.objects.get(ref="AGR-1")
    assert (contract.ends_at.year, contract.purposes) == (2026, ["dpv:IdentityVerification"])


def test_what_somebody_agreed_to_is_frozen() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    for field, value in (
        ("precision_m", 100), ("purpose", "dpv:IdentityVerification"), ("lbs_provider", JAIL),
        ("consent_flow", "implied"), ("description", "Sells you"), ("contract", "AGR-2"), ("lifeline", True),
        ("family_tracking", True),
    ):  # fmt: skip
        assert refusals(changed("campaigns", 0, **{field: value})) == [("campaigns[0]", field, "id_conflict")]


def test_what_a_file_leaves_out_stays_as_it_was() -> None:
    document: dict[str, Any] = parties_document()
    del document["contracts"][0]["endpoint_url"]
    del document["parties"][2]["website"]
    take_parties(document)
    said = {"consideration": "monetary", "lifeline": True, "family_tracking": True}
    Campaign.objects.filter(ref="CMP-road").update(**said)
    Contract.objects.filter(ref="AGR-1").update(endpoint_url="https://geobridge.example/events")
    Party.objects.filter(uri=ROAD).update(website="https://roadaid.example/about")
    fates = take_parties(document)
    assert {fate.status for fate in fates} == {"repeated"}
    assert Campaign.objects.filter(ref="CMP-road", **said).exists()
    assert Contract.objects.get(ref="AGR-1").endpoint_url == "https://geobridge.example/events"
    assert Party.objects.get(uri=ROAD).website == "https://roadaid.example/about"
    document["campaigns"][0] |= {"consideration": "none", "lifeline": False}
    assert refusals(document) == [("campaigns[0]", "consideration", "loosening_needs_two_officers")]


def test_reach_and_links_only_grow() -> None:
    take_parties(changed("campaigns", 0, recipients=[JAIL, "https://new.example"], succeeds=["CMP-old"]))
    take_parties(changed("parties", 2, same_as=["https://roadaid.net"], succeeds=["https://roadhelp.example"]))
    assert set(Reach.objects.values_list("party__uri", flat=True)) == {JAIL, "https://new.example"}
    assert set(IdentifierLink.objects.values_list("of", "ref", "kin_ref", "link")) == {
        ("campaign", "CMP-road", "CMP-old", "succeeds"),
        ("party", ROAD, "https://roadaid.net", "same_as"),
        ("party", ROAD, "https://roadhelp.example", "succeeds"),
    }
    assert json.dumps(told(take_parties())) == json.dumps([("repeated",)] * 9)
    # Of a draft, which nobody said yes or no to, whom it reaches is told apart from the start.
    for recipients in ([], [JAIL]):
        take_parties(changed("campaigns", 0, id="CMP-new", purpose="dpv:New", recipients=recipients))
    assert Reach.objects.get(campaign__ref="CMP-new").told_apart
