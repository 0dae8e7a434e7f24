"""Promise 2: what is on record is allowed, and to every other question the gateway hears a no."""

from dataclasses import replace
from typing import Any

import pytest

from tests.feeds import BRIDGE, JAIL, LINK, Row
from tests.promises.through_the_doors.files import ROADSIDE, ago, approval, campaign_row
from tests.promises.through_the_doors.product import DECIDE, Product, question
from tools.sandbox.transmitter import Unreachable

NOBODY = "https://nobody.example"
OTHER_BRIDGE = "https://otherbridge.example"
OTHER = replace(ROADSIDE, campaign="CMP-other", aggregator=OTHER_BRIDGE, provider="https://other.example")


def test_whatever_a_question_changes_of_the_record_is_denied(product: Product) -> None:
    line = product.next_line()
    assert (product.answers(line), product.answers(line, msisdn=line.msisdn)) == ("allowed", "allowed")
    changes: list[tuple[dict[str, object], str]] = [
        ({"line": "L-nobody"}, "line_unknown"),
        ({"line": ""}, "line_unknown"),
        ({"msisdn": "+12065559999"}, "line_unknown"),
        ({"aggregator": NOBODY}, "no_approval"),
        ({"aggregator": LINK}, "no_approval"),
        ({"provider": NOBODY}, "no_approval"),
        ({"provider": JAIL}, "no_approval"),
        ({"campaign": "CMP-nobody"}, "no_approval"),
        ({"campaign": "CMP-track"}, "no_approval"),
        ({"campaign": ""}, "no_approval"),
        ({"purpose": "dpv:TargetedAdvertising"}, "no_approval"),
        ({"purpose": ""}, "no_approval"),
        ({"scope": "location-verification:verify"}, "no_approval"),
        ({"precision_m": 499}, "precision_exceeded"),
        ({"precision_m": None}, "precision_exceeded"),
    ]
    assert [(changed, product.answers(line, **changed)) for changed, _ in changes] == changes
    # Many questions at once hear the same as one.
    asked = {"evaluations": [question(line, ROADSIDE, **changed) for changed, _ in changes]}
    told: Any = product.gateway.send_json("POST", f"{DECIDE}s", asked, scope="decisions:read").json()
    assert [(one["decision"], one["context"]["reason"]) for one in told["evaluations"]] == [
        (False, reason) for _, reason in changes
    ]


def other_companies(product: Product) -> dict[str, list[Row]]:
    """An aggregator without an address, its agreement, and a company below it: nobody else's pages name them."""
    known = {row["kind"]: row for row in product.document["parties"]}
    parties = [
        {**known["aggregator"], "id": OTHER_BRIDGE, "name": "Other Bridge", "jwks_uri": None},
        {**known["lbs_provider"], "id": OTHER.provider, "name": "Other", "jwks_uri": None},
    ]
    contract = {
        **product.document["contracts"][0], "id": "AGR-other", "aggregator": OTHER_BRIDGE, "endpoint_url": None,
        "jwks_uri": None,
    }  # fmt: skip
    return {"parties": parties, "contracts": [contract], "campaigns": []}


def test_what_is_not_in_force_or_not_agreed_is_denied(product: Product) -> None:
    line, just_now = product.next_line(), ago(1 / 86_400)
    over, ended, begins = OTHER.but("CMP-over"), OTHER.but("CMP-ended"), OTHER.but("CMP-begins")
    expired, claimed, never = OTHER.but("CMP-expired"), ROADSIDE.but("CMP-claimed"), OTHER.but("CMP-never")
    more = other_companies(product)
    more["contracts"] += [{**more["contracts"][0], "id": "AGR-over", "ends_at": just_now}]
    more["campaigns"] = [
        campaign_row(over, "AGR-over"),
        campaign_row(ended, "AGR-other", ends_at=just_now),
        campaign_row(begins, "AGR-other", starts_at=ago(-1)),
        *(campaign_row(use, "AGR-other") for use in (expired, never)),
        campaign_row(claimed, "AGR-1"),
    ]
    assert product.takes_parties(**more)["rejected"] == 0
    agreed = [approval(line, use) for use in (over, ended, begins)]
    assert product.takes("import_approvals", [*agreed, approval(line, expired, expires_at=just_now)])["accepted"]
    product.claims(line, claimed)
    answers = {use.campaign: product.answers(line, use) for use in (over, ended, begins, expired, claimed, never)}
    assert answers == {
        "CMP-over": "contract_not_in_force", "CMP-ended": "campaign_not_in_force",
        "CMP-begins": "campaign_not_in_force", "CMP-expired": "approval_expired", "CMP-claimed": "approval_unverified",
        "CMP-never": "no_approval",
    }  # fmt: skip
    assert product.answers(line) == "allowed"


def test_a_machine_that_may_not_ask_hears_no(product: Product) -> None:
    line = product.next_line()
    partner, asked = product.partners[BRIDGE].machine, question(line, ROADSIDE)
    told = partner.send_json("POST", DECIDE, asked, scope="approvals:write")
    assert (told.status, "decision" in told.json()) == (403, False)
    with pytest.raises(Unreachable, match="400"):
        partner.send_json("POST", DECIDE, asked, scope="decisions:read")


def test_a_suspended_company_is_denied_from_the_answer_on(product: Product) -> None:
    line, officer = product.next_line(), product.hires("officer")
    more = other_companies(product)
    more["campaigns"] = [campaign_row(OTHER, "AGR-other")]
    product.takes_parties(**more)
    product.takes("import_approvals", [approval(line, OTHER)])
    assert product.answers(line, OTHER) == "allowed"
    pages = [officer.get(path) for path in officer.get("/admin/parties/").links("/admin/parties/")]
    (page,) = [one for one in pages if one.words.startswith("Companies Other Location")]
    (form,) = [one for one in page.forms(asks="reason") if one.path.startswith("/admin/suspend/")]
    officer.send(form, reason="It sold what it got.")
    assert (product.answers(line, OTHER), product.answers(line)) == ("partner_suspended", "allowed")


def test_a_database_that_is_away_is_a_no(product: Product) -> None:
    line = product.next_line()
    assert product.answers(line) == "allowed"
    with product.without_database():
        assert {product.answers(line) for _ in range(3)} == {"unavailable"}
    assert product.answers(line) == "allowed"
