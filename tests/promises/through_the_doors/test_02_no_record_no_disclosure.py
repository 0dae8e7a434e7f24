"""Promise 2: what is on record is allowed, and to every other question the gateway hears a no."""

from typing import Any

from tests.feeds import BRIDGE, JAIL, LINK
from tests.promises.through_the_doors.files import ROADSIDE, ago, approval, campaign_row
from tests.promises.through_the_doors.product import DECIDE, Product, question

NOBODY = "https://nobody.example"


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


def test_what_is_not_in_force_or_not_agreed_is_denied(product: Product) -> None:
    line, seconds = product.next_line(), 1 / 86_400
    over = ROADSIDE.but("CMP-over")
    ended, begins = ROADSIDE.but("CMP-ended"), ROADSIDE.but("CMP-begins")
    expired, claimed, never = ROADSIDE.but("CMP-expired"), ROADSIDE.but("CMP-claimed"), ROADSIDE.but("CMP-never")
    contract = {**product.document["contracts"][0], "id": "AGR-over", "ends_at": ago(seconds)}
    product.takes_parties(
        contracts=[contract],
        campaigns=[
            campaign_row(over, "AGR-over"),
            campaign_row(ended, "AGR-1", ends_at=ago(seconds)),
            campaign_row(begins, "AGR-1", starts_at=ago(-1)),
            *(campaign_row(use, "AGR-1") for use in (expired, claimed, never)),
        ],
    )
    agreed = [approval(line, use) for use in (over, ended, begins)]
    assert product.takes("import_approvals", [*agreed, approval(line, expired, expires_at=ago(seconds))])["accepted"]
    product.claims(line, claimed)
    answers = {use.campaign: product.answers(line, use) for use in (over, ended, begins, expired, claimed, never)}
    assert answers == {
        "CMP-over": "contract_not_in_force",
        "CMP-ended": "campaign_not_in_force",
        "CMP-begins": "campaign_not_in_force",
        "CMP-expired": "approval_expired",
        "CMP-claimed": "approval_unverified",
        "CMP-never": "no_approval",
    }
    assert product.answers(line) == "allowed"


def test_a_machine_that_may_not_ask_hears_no(product: Product) -> None:
    line = product.next_line()
    partner = product.partners[BRIDGE].machine
    told = partner.send_json("POST", DECIDE, question(line, ROADSIDE), scope="approvals:write")
    assert (told.status, "decision" in told.json()) == (403, False)


def test_a_company_that_an_officer_suspended_is_denied_from_the_answer_on(product: Product) -> None:
    line, officer = product.next_line(), product.hires("officer")
    doubtful = ROADSIDE.but("CMP-doubtful", provider="https://doubtful.example")
    party = {**product.document["parties"][-1], "id": doubtful.provider, "name": "Doubtful", "kind": "lbs_provider"}
    product.takes_parties(parties=[party], campaigns=[campaign_row(doubtful, "AGR-1")])
    product.takes("import_approvals", [approval(line, doubtful)])
    assert product.answers(line, doubtful) == "allowed"
    pages = [officer.get(path) for path in officer.get("/admin/parties/").links("/admin/parties/")]
    (page,) = [one for one in pages if one.words.startswith("Parties Doubtful")]
    (form,) = [one for one in page.forms(asks="reason") if one.path.startswith("/admin/suspend/")]
    officer.send(form, reason="It sold what it got.")
    assert (product.answers(line, doubtful), product.answers(line)) == ("partner_suspended", "allowed")


def test_a_database_that_is_away_is_a_no(product: Product) -> None:
    line = product.next_line()
    assert product.answers(line) == "allowed"
    with product.without_database():
        assert {product.answers(line) for _ in range(3)} == {"unavailable"}
    assert product.answers(line) == "allowed"
