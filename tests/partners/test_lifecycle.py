"""The life of contracts and campaigns: stages from facts, and acts that fit them or are refused."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.queries import StaffOnly
from audit.models import AuditEvent
from partners.actions import terms as terms_actions
from partners.actions.drafts import (
    CampaignTerms,
    ContractTerms,
    change_draft,
    draft_campaign,
    draft_contract,
    put_in_force,
)
from partners.actions.guards import Of
from partners.actions.notices import propose_notice
from partners.actions.parties import add_party, change_party
from partners.actions.terms import RuleTerms, add_rule, set_consideration, set_endpoints, shorten_term
from partners.models import Campaign, Contract, IdentifierLink, JurisdictionRule, Party, Reach, Suspension
from partners.policies import lifecycle
from partners.policies.identifiers import NOT_A_URI, NOT_AN_ID
from partners.policies.lifecycle import NotNow, Stage
from tests.factories import (
    FAR_OFF,
    FRAUD,
    LONG_AGO,
    NOW,
    READ,
    ROADSIDE,
    a_campaign,
    a_contract,
    a_line,
    a_party,
    an_approval,
)
from tests.moments import A_MOMENT
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)
CONTRACT = ContractTerms(
    signed_at=LONG_AGO, starts_at=LONG_AGO, ends_at=FAR_OFF, purposes=(ROADSIDE,),
    endpoint_url="https://geobridge.example/events", jwks_uri="https://geobridge.example/jwks.json",
)  # fmt: skip
CAMPAIGN = CampaignTerms(
    lbs_provider="https://roadaid.example", purpose=ROADSIDE, description="Finds you", consent_flow="sms", scope=READ,
    precision_m=500, starts_at=LONG_AGO, ends_at=FAR_OFF, consideration="none",
    recipients=("https://tow.example",),
)  # fmt: skip
KINDS_OF_LINKS = "Parties, purposes and campaigns succeed one another; parties are the same."


@pytest.fixture
def officer() -> str:
    a_party("GeoBridge")
    a_party("RoadAid", "lbs_provider")
    return an_actor()


def drafted(officer: str) -> tuple[Contract, Campaign]:
    contract = draft_contract(
        ref="AGR-new", aggregator="https://geobridge.example", terms=CONTRACT, reason="Signed", actor=officer, at=NOW
    )
    campaign = draft_campaign(
        ref="CMP-new", contract="AGR-new", terms=CAMPAIGN, reason="Reviewed", actor=officer, at=NOW
    )
    return contract, campaign


def begin(row: Contract | Campaign, officer: str) -> Contract | Campaign:
    of: Of = "contract" if isinstance(row, Contract) else "campaign"
    return put_in_force(of=of, target_id=row.pk, reason="Checked", actor=officer, at=NOW)


def suspend(of: str, target_id: int, **fields: object) -> None:
    said = {"starts_at": NOW, "reason": "Due", "actor": "a", **fields}
    Suspension.objects.create(of=of, target_id=target_id, **said)


def test_stages_follow_from_facts() -> None:
    for fields, expected in (
        ({}, Stage.IN_FORCE),
        ({"is_draft": True, "ends_at": NOW - DAY}, Stage.DRAFT),
        ({"ends_at": NOW}, Stage.ENDED),
        ({"ends_at": NOW + 30 * DAY}, Stage.ENDING),
        ({"ends_at": NOW + 31 * DAY}, Stage.IN_FORCE),
        ({"starts_at": NOW + DAY}, Stage.NOT_YET),
    ):
        contract = a_contract(**fields)
        # A campaign stands no better than its contract.
        found = [lifecycle.get_stage(one, at=NOW) for one in (contract, a_campaign(contract))]
        assert (fields, found) == (fields, [expected] * 2)


def test_a_suspension_anywhere_above_a_campaign_suspends_it() -> None:
    campaign, other = a_campaign(), a_campaign(a_contract(a_party("Other")), a_party("Elsewhere", "lbs_provider"))
    reached = a_party("Tow", "end_customer")
    Reach.objects.create(campaign=campaign, party=reached)
    suspend("campaign", other.pk, starts_at=NOW - DAY, ends_at=NOW)
    for of, target in (
        ("party", campaign.contract.aggregator_id), ("contract", campaign.contract_id), ("campaign", campaign.pk),
        ("party", campaign.lbs_provider_id), ("party", reached.pk),
    ):  # fmt: skip
        before = transaction.savepoint_create()
        suspend(of, target)
        stages = lifecycle.campaign_stages(campaigns=[campaign, other], at=NOW)
        assert stages == {campaign.pk: Stage.SUSPENDED, other.pk: Stage.IN_FORCE}, (of, target)
        assert lifecycle.get_stage(campaign, at=NOW - timedelta(seconds=1)) == Stage.IN_FORCE
        transaction.savepoint_rollback(before)


def test_a_list_of_stages_takes_two_statements() -> None:
    for count in (1, 2, 3):
        suspend("party", a_campaign().lbs_provider_id + 1000 * count)
        campaigns = list(Campaign.objects.select_related("contract"))
        with CaptureQueriesContext(connection) as asked:
            assert len(lifecycle.campaign_stages(campaigns=campaigns, at=NOW)) == count
        assert len(asked) == 2


def test_a_draft_is_in_force_from_now_on(officer: str) -> None:
    contract, campaign = drafted(officer)
    assert lifecycle.get_stage(campaign, at=NOW) == Stage.DRAFT
    begin(contract, officer)
    begin(campaign, officer)
    for row in (Contract.objects.get(pk=contract.pk), Campaign.objects.get(pk=campaign.pk)):
        assert (lifecycle.get_stage(row, at=NOW), row.starts_at) == (Stage.IN_FORCE, NOW)
    told = (
        AuditEvent.objects.filter(actor=officer).order_by("id").values_list("action", "actor", "target", "reason", "at")
    )
    assert list(told) == [
        ("contract.drafted", officer, f"contract:{contract.pk}", "Signed", NOW),
        ("campaign.drafted", officer, f"campaign:{campaign.pk}", "Reviewed", NOW),
        ("contract.put_in_force", officer, f"contract:{contract.pk}", "Checked", NOW),
        ("campaign.put_in_force", officer, f"campaign:{campaign.pk}", "Checked", NOW),
    ]
    assert list(Reach.objects.values_list("party__uri", "party__kind")) == [("https://tow.example", "unnamed")]


def test_what_is_in_force_is_no_draft_again(officer: str) -> None:
    contract, campaign = drafted(officer)
    begin(contract, officer)
    with pytest.raises(NotNow, match="AGR-new is already in force"):
        begin(contract, officer)
    with pytest.raises(NotNow, match="Shorten it, or make a new contract"):
        change_draft(of="contract", target_id=contract.pk, terms=CONTRACT, reason="Due", actor=officer, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.filter(pk=contract.pk).update(is_draft=True)
    assert Campaign.objects.get(pk=campaign.pk).is_draft


def test_what_lacks_something_stays_a_draft(officer: str) -> None:
    contract, campaign = drafted(officer)
    with pytest.raises(NotNow, match="AGR-new is a draft: put that in force first"):
        begin(campaign, officer)
    rows, party = Contract.objects.filter(pk=contract.pk), Party.objects.filter(pk=contract.aggregator_id)
    whole, kind = rows.values("complete_within_days", "jwks_uri", "purposes", "ends_at").get(), party.get().kind
    for fields, why in (
        ({"complete_within_days": 22}, "15 business days"), ({"jwks_uri": ""}, "jwks_uri"),
        ({"purposes": []}, "no purpose"), ({"ends_at": NOW}, "already have ended"), ({}, "aggregator"),
    ):  # fmt: skip
        rows.update(**fields) if fields else party.update(kind="lbs_provider")
        with pytest.raises(NotNow, match=why):
            begin(contract, officer)
        assert rows.get().is_draft
        rows.update(**whole)
    party.update(kind=kind)
    begin(contract, officer)
    seen, mine = Party.objects.create(uri="https://seen.example", name="seen", kind="unnamed"), Campaign.objects.all()
    as_it_was = mine.values("purpose", "consideration", "lbs_provider").get()
    for fields, why in (
        ({"purpose": FRAUD}, "none of those of its contract AGR-new"), ({"consideration": ""}, "Say what is paid"),
        ({"lbs_provider": seen.pk}, "only ever seen in a path"),
    ):  # fmt: skip
        mine.update(**fields)
        with pytest.raises(NotNow, match=why):
            begin(campaign, officer)
        mine.update(**as_it_was)


def test_terms_out_of_shape_are_refused_by_field(officer: str) -> None:
    wrong: list[dict[str, Any]] = [
        {"endpoint_url": "http://geobridge.example/events"}, {"jwks_uri": "https://user:secret@geobridge.example/"},
        {"purposes": ("dpv:Anything",)}, {"purposes": ("Advertising",)}, {"complete_within_days": 22},
        {"ends_at": LONG_AGO},
    ]  # fmt: skip
    for other in wrong:
        terms = replace(CONTRACT, **other)
        with pytest.raises(ValidationError) as refused:
            draft_contract(
                ref="AGR-x", aggregator="https://geobridge.example", terms=terms, reason="Due", actor=officer, at=NOW
            )
        assert list(refused.value.message_dict) == list(other)
    assert not Contract.objects.exists()


def test_a_draft_takes_other_terms_until_somebody_agreed(officer: str) -> None:
    contract, campaign = drafted(officer)
    whole: tuple[tuple[Of, Contract | Campaign], ...] = (("contract", contract), ("campaign", campaign))
    for of, row in whole:
        with pytest.raises(NotNow, match=f"{row.ref} is a draft. Change its terms instead."):
            shorten_term(of=of, target_id=row.pk, ends_at=NOW + DAY, reason="Due", actor=officer, at=NOW)
    terms = replace(CAMPAIGN, precision_m=100, recipients=("https://cab.example",))
    change_draft(of="campaign", target_id=campaign.pk, terms=terms, reason="Due", actor=officer, at=NOW)
    assert Campaign.objects.get(pk=campaign.pk).precision_m == 100
    assert Reach.objects.count() == 2
    event = AuditEvent.objects.get(action="campaign.draft_changed")
    assert event.detail == {
        "ref": "CMP-new", "fields": ["precision_m"], "was": {"precision_m": CAMPAIGN.precision_m},
        "now": {"precision_m": 100},
    }  # fmt: skip
    an_approval(a_line(), campaign)
    terms = replace(CAMPAIGN, precision_m=50)
    with pytest.raises(NotNow, match="Make a new campaign"):
        change_draft(of="campaign", target_id=campaign.pk, terms=terms, reason="Due", actor=officer, at=NOW)


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_a_term_is_shortened_by_one_officer_and_never_lengthened(officer: str, of: str) -> None:
    campaign = a_campaign()
    row = campaign if of == "campaign" else campaign.contract

    def shorten(ends_at: datetime, at: datetime = NOW) -> Contract | Campaign:
        return shorten_term(
            of="campaign" if of == "campaign" else "contract", target_id=row.pk, ends_at=ends_at, reason="Due",
            actor=officer, at=at,
        )  # fmt: skip

    assert shorten(NOW + DAY).ends_at == NOW + DAY
    with pytest.raises(NotNow, match="another officer must approve it"):
        shorten(NOW + 2 * DAY)
    # A slip of the year ends nothing.
    for passed in (LONG_AGO, NOW - timedelta(microseconds=1)):
        with pytest.raises(ValidationError, match="to end it now, terminate it"):
            shorten(passed)
    assert type(row).objects.get(pk=row.pk).ends_at == NOW + DAY
    with pytest.raises(NotNow, match="has already ended"):
        shorten(NOW + 2 * DAY, at=NOW + DAY)
    # What has not begun yet ends as it begins.
    begins = NOW + 9 * DAY
    campaign = a_campaign(a_contract(starts_at=begins), starts_at=begins)
    row = campaign if of == "campaign" else campaign.contract
    assert shorten(NOW + DAY).ends_at == begins + A_MOMENT


def test_more_may_be_paid_by_one_officer_and_less_not(officer: str) -> None:
    campaign = a_campaign()

    def pay(consideration: str) -> None:
        set_consideration(campaign_id=campaign.pk, consideration=consideration, reason="Due", actor=officer, at=NOW)

    for consideration in ("none", "other", "monetary"):
        pay(consideration)
        assert Campaign.objects.get(pk=campaign.pk).consideration == consideration
    for consideration in ("other", "none"):
        with pytest.raises(NotNow, match="Propose it"):
            pay(consideration)
    with pytest.raises(ValidationError):
        pay("")


def test_one_officer_adds_one_rule_at_a_time(officer: str) -> None:
    def add(state: str = "wa", purposes: tuple[str, ...] = (FRAUD,)) -> JurisdictionRule:
        return add_rule(
            terms=RuleTerms(state=state, starts_at=NOW, purposes=purposes, sale_test=False, source="test: a law"),
            reason="Due",
            actor=officer,
            at=NOW,
        )

    assert add().state == "WA"
    assert AuditEvent.objects.get(action="rule.added").detail == {"state": "WA"}
    with pytest.raises(NotNow, match="a rule from that very moment"):
        add()
    for state, purposes in (("WAX", (FRAUD,)), ("ZZ", (FRAUD,)), ("CA", ()), ("CA", ("x",))):
        with pytest.raises(ValidationError):
            add(state, purposes)


def test_a_company_s_keys_are_on_its_own_host(officer: str) -> None:
    def add(uri: str, jwks_uri: str) -> Party:
        return add_party(
            uri=uri, name="New", kind="end_customer", jwks_uri=jwks_uri, reason="Due", actor=officer, at=NOW
        )

    assert add("https://new.example", "https://keys.new.example/jwks.json").jwks_uri.startswith("https://keys.new")
    for jwks_uri in ("https://evil.example/jwks.json", "https://notnew2.example/", "http://new2.example/jwks.json"):
        with pytest.raises(ValidationError) as refused:
            add("https://new2.example", jwks_uri)
        assert list(refused.value.message_dict) == ["jwks_uri"]
    with pytest.raises(NotNow, match="already exists"):
        add("https://new.example", "")


def test_what_an_officer_leaves_out_of_a_company_stays(officer: str) -> None:
    said = {"website": "https://new.example", "about": "Finds cars.", "jwks_uri": "https://new.example/jwks.json"}
    party = add_party(
        uri="https://new.example", name="New", kind="lbs_provider", reason="Due", actor=officer, at=NOW, **said
    )
    change_party(party_id=party.pk, about="", reason="Due", actor=officer, at=NOW)
    kept = Party.objects.values("name", *said).get(pk=party.pk)
    assert kept == {"name": "New", **said, "about": ""}
    with pytest.raises(NotNow, match="Nothing has changed"):
        change_party(party_id=party.pk, name="New", reason="Due", actor=officer, at=NOW)


def test_a_company_seen_in_a_path_gets_its_name(officer: str) -> None:
    seen = Party.objects.create(uri="https://seen.example", name="https://seen.example", kind="unnamed")
    with pytest.raises(NotNow, match="Add it as a company first"):
        change_party(party_id=seen.pk, name="x", website="", about="", jwks_uri="", reason="Due", actor=officer, at=NOW)
    add_party(uri=seen.uri, name="Seen Ltd", kind="end_customer", reason="Due", actor=officer, at=NOW)
    assert Party.objects.get(pk=seen.pk).name == "Seen Ltd"
    with pytest.raises(NotNow):
        add_party(uri="unknown", name="x", kind="end_customer", reason="Due", actor=officer, at=NOW)
    nobody = Party.objects.get(uri="unknown").pk
    with pytest.raises(NotNow, match="There is no such company"):
        change_party(party_id=nobody, name="x", website="", about="", jwks_uri="", reason="Due", actor=officer, at=NOW)
    with pytest.raises(ValidationError):
        change_party(
            party_id=seen.pk,
            name="x",
            website="javascript:1",
            about="",
            jwks_uri="",
            reason="Due",
            actor=officer,
            at=NOW,
        )


def test_endpoints_are_judged_by_the_door_out(officer: str) -> None:
    contract = a_contract()

    def put(endpoint_url: str, hosts: tuple[str, ...] = ()) -> object:
        return set_endpoints(
            contract_id=contract.pk, endpoint_url=endpoint_url, jwks_uri="", hosts=hosts, reason="Due", actor=officer,
            at=NOW,
        )  # fmt: skip

    put("https://geobridge.example/events", ("Call.example", "back.example:8443"))
    assert Contract.objects.get(pk=contract.pk).hosts == ["back.example:8443", "call.example"]
    for url, hosts, field in (
        ("ftp://geobridge.example/", (), "endpoint_url"),
        ("", ("a/b",), "hosts"),
        ("", ("a b",), "hosts"),
        ("", ("user@a",), "hosts"),
    ):
        with pytest.raises(ValidationError) as refused:
            put(url, hosts)
        assert list(refused.value.message_dict) == [field]


def test_a_link_is_written_once_between_known_names(officer: str) -> None:
    def link(of: str, ref: str, kin_ref: str, link: str = "succeeds") -> bool:
        return terms_actions.link(of=of, ref=ref, kin_ref=kin_ref, link=link, reason="Due", actor=officer, at=NOW)

    road, old, own = "https://roadaid.example", "https://old.example", "acme:Own"
    assert link("party", road, old)
    assert not link("party", road, old)
    event = AuditEvent.objects.get(action="party.linked")
    assert event.detail == {"link": "succeeds", "ref": road, "to": old}
    assert IdentifierLink.objects.count() == 1
    # A purpose is known by its words or by a campaign's, and what came before need not be known.
    campaign = a_campaign(purpose=own)
    for known in (("purpose", FRAUD, own), ("purpose", own, "other:Own"), ("campaign", campaign.ref, "unknown")):
        assert link(*known)
    for args, fault in (
        (("party", "https://nobody.example", old), {"ref": ["There is no such party."]}),
        (("campaign", "CMP-none", "CMP-old"), {"ref": ["There is no such campaign."]}),
        (("purpose", "other:Own", FRAUD), {"ref": ["There is no such purpose."]}),
        (("purpose", FRAUD, ROADSIDE, "same_as"), {"link": [KINDS_OF_LINKS]}),
        (("line", "1", "2"), {"link": [KINDS_OF_LINKS]}),
        (("party", road, "https://" + "x" * 2000), {"kin_ref": [NOT_A_URI]}),
        (("purpose", FRAUD, "x" * 2000), {"kin_ref": ["The two together are too long to be looked up."]}),
        (("party", road, "old"), {"kin_ref": [NOT_A_URI]}),
        (("campaign", campaign.ref, "an old one"), {"kin_ref": [NOT_AN_ID]}),
        (("purpose", FRAUD, ""), {"kin_ref": ["Name the other."]}),
        (("purpose", FRAUD, "a\x00b"), {"kin_ref": ["Name the other."]}),
    ):
        with pytest.raises(ValidationError) as refused:
            link(*args)
        assert refused.value.message_dict == fault, args
    for same in (("party", road, road), ("party", "unknown", "https://o.x"), ("party", road, "unknown")):
        with pytest.raises(NotNow):
            link(*same)


def test_nobody_but_an_officer_with_a_reason_does_it(officer: str) -> None:
    for role in ("agent", "auditor", "legal", "subscriber"):
        about: dict[str, Any] = {"reason": "Due", "actor": an_actor(role), "at": NOW}
        with pytest.raises(StaffOnly):
            draft_contract(ref="A", aggregator="x", terms=CONTRACT, **about)
        with pytest.raises(StaffOnly):
            shorten_term(of="contract", target_id=1, ends_at=NOW, **about)
        with pytest.raises(StaffOnly):
            propose_notice(use="stop", language="en", body="x", starts_at=NOW, **about)
    with pytest.raises(NotNow, match="Say why"):
        draft_contract(ref="A", aggregator="x", terms=CONTRACT, reason="  ", actor=officer, at=NOW)
