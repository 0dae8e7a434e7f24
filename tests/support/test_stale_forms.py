"""A form that lay open while a colleague changed the same thing saves nothing: nobody undoes or decides unseen."""

import re
from html.parser import HTMLParser
from typing import override

import pytest

from partners.models import Campaign, Contract, Party
from tests.factories import a_campaign, a_contract, a_party
from tests.support.officers import WHY, Member

pytestmark = pytest.mark.usefixtures("db", "no_broker")
CHANGED = "Someone changed this after you opened the page, so we saved nothing. Open it again to see it as it is now."


class Form(HTMLParser):
    """The fields of a page's form, as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._written_into = ""
        self.feed(page.partition("<main")[2])

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag in {"select", "textarea"}:
            self._written_into = has.get("name", "")
        if tag == "textarea":
            self.sent[self._written_into] = [""]
        is_chosen = "checked" in has if has.get("type") in {"checkbox", "radio"} else "name" in has
        if tag == "input" and is_chosen:
            self.sent.setdefault(has["name"], []).append(has.get("value", ""))
        if tag == "option" and "selected" in has:
            self.sent[self._written_into] = [has["value"]]

    @override
    def handle_data(self, data: str) -> None:
        if self._written_into in self.sent and self.lasttag == "textarea":
            self.sent[self._written_into][0] += data

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {"select", "textarea"}:
            self._written_into = ""


def opened(member: Member, path: str) -> dict[str, list[str]]:
    return Form(member.client.get(path).content.decode()).sent


def sends(member: Member, path: str, form: dict[str, list[str]]) -> str:
    """Where sending it leads, or what is wrong."""
    answer = member.client.post(path, {**form, **WHY})
    page = answer.content.decode()
    return answer.headers.get("Location", "") or " ".join(re.findall(r'role="alert">([^<]*)</p>', page))


@pytest.fixture
def drafts() -> tuple[Contract, Campaign]:
    contract = a_contract(a_party("GeoBridge"), is_draft=True, endpoint_url="https://a.example/e")
    return contract, a_campaign(contract, a_party("RoadAid", "lbs_provider"), is_draft=True)


@pytest.mark.parametrize("of", ["party", "contract", "campaign", "endpoints", "force"])
def test_what_a_colleague_changed_meanwhile_stays(officer: Member, drafts: tuple[Contract, Campaign], of: str) -> None:
    contract, campaign = drafts
    party = campaign.lbs_provider
    path, rows = {
        "party": (f"/admin/parties/{party.pk}/change/", Party.objects.filter(pk=party.pk)),
        "contract": (f"/admin/contracts/{contract.pk}/change/", Contract.objects.filter(pk=contract.pk)),
        "campaign": (f"/admin/campaigns/{campaign.pk}/change/", Campaign.objects.filter(pk=campaign.pk)),
        "endpoints": (f"/admin/contracts/{contract.pk}/endpoints/", Contract.objects.filter(pk=contract.pk)),
        "force": (f"/admin/force/campaign/{campaign.pk}/", Campaign.objects.filter(pk=campaign.pk)),
    }[of]
    lay_open = opened(officer, path)
    changes: dict[str, dict[str, object]] = {
        "party": {"about": "Finds cars."},
        "campaign": {"precision_m": 7},
        "force": {"precision_m": 7},
    }
    rows.update(**changes.get(of, {"complete_within_days": 7}))
    before = list(rows.values())
    assert sends(officer, path, lay_open) == CHANGED
    assert list(rows.values()) == before
    # What keeps a draft from being saved otherwise is another thing.
    assert CHANGED not in sends(officer, path, opened(officer, path))
