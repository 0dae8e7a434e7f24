"""One line and many companies, each of which stands in another place: home in every state of a card at once.

The people, the gateway, the feeds and the officer do what brings each state about; all of it in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.utils import timezone

from accounts.models import Line
from disclosures import tasks
from partners.models import Campaign
from tests.clocks import Clock
from tests.factories import ADS, a_campaign, a_line
from tests.feeds import Row, approval_row, choice_row, take_approvals, take_choices, take_notices, told
from tests.people import Browser, number_of, signed_in
from tests.support.officers import post, staff
from tests.words.exact import Pages
from tests.words.expected import PACIFIC
from tests.words.pages import main, press
from tests.words.partners import Company, Market, Partner
from tests.words.worlds import DAY, HOUR, MINUTE

IDENTITY, FAMILY = "dpv:IdentityVerification", "dpv:ServiceProvision"
# Each company by the place where it stands.
NAMES = {
    "agreed": "Alder Aid",  # a yes by text; it looked in the last 30 days and before
    "allowed": "Bramble Aid",  # stopped by the person, and allowed again
    "claimed": "Clover Ads",  # by its own word alone
    "unknown": "Daisy Track",  # no record of a yes at all; it passed the location on
    "unknown_stopped": "Elder Track",
    "unknown_paused": "Fennel Track",
    "ended": "Gorse Aid",  # the yes has ended
    "stopped": "Heather Aid",
    "paused": "Indigo Aid",
    "by_record": "Jasmine Aid",  # a file says stop
    "kept_stop": "Kale Aid",  # a record of a yes is newer than the person's stop
    "after_stop": "Lilac Aid",
    "refused": "Mint Aid",  # it asked and got nothing
    "doubtful": "Nutmeg Track",  # it is said to have needed it for an emergency
    "not_looked": "Oregano Aid",
    "not_looked_stopped": "Parsley Aid",
    "suspended": "Quince Aid",
    "family": "Rosemary Ring",
    "lifeline": "Sage Rescue",
    "file_allowed": "Thyme Aid",
    "one_customer": "Umbel Desk",  # one of those it asks for is stopped, and it says for whom it asks
}
# Of whom no yes is on record, or one of another kind than the rest.
NEVER_AGREED = {
    "claimed", "unknown", "unknown_stopped", "unknown_paused", "refused", "doubtful", "ended", "file_allowed",
}  # fmt: skip


def noon(days: int, now: datetime) -> datetime:
    """Noon of so many days ago where the line lives."""
    return datetime.combine(now.astimezone(PACIFIC).date() - timedelta(days=days), time(12), PACIFIC)


@dataclass
class Crowd:
    """The line, its person at a browser, and who is around. `now`: when it was made."""

    market: Market
    line: Line
    now: datetime
    through: Partner
    other: Partner
    companies: dict[str, Company] = field(default_factory=dict)
    campaigns: dict[str, Campaign] = field(default_factory=dict)

    def __getitem__(self, role: str) -> Company:
        return self.companies[role]

    def noon(self, days: int) -> datetime:
        return noon(days, self.now)

    def path(self, role: str) -> str:
        """Where the page of a company is: by its place in the crowd, or by the name of one around it."""
        around = self.companies | self.market.companies | self.market.partners
        return f"/companies/{around[role].party.pk}/"

    def agreed(self, role: str, **changes: object) -> Mapping[str, object]:
        """A row of the approvals feed."""
        row = {
            "msisdn": number_of(self.line), "campaign": self.campaigns[role].ref,
            "captured_at": self.noon(90).isoformat(), "captured_by": self[role].party.uri,
            "wording": f"Find me, {NAMES[role]}. Reply YES.", "evidence_ref": f"ev-{role}",
        }  # fmt: skip
        return approval_row(**(row | changes))

    def looked(
        self, role: str, at: datetime, *below: Company | Partner | str, through: Partner | None = None,
        refused: bool = False, **changes: object,
    ) -> Row:  # fmt: skip
        """What the gateway reports of a company of the crowd."""
        campaign = self.campaigns[role]
        about = {"campaign": campaign.ref, "purpose": campaign.purpose, "precision_m": campaign.precision_m} | changes
        if refused:
            about["outcome"] = "refused"
        return (through or self.through).release(self.line, self[role], *below, at=at, **about)


def look_at_all(crowd: Crowd, person: Browser, pages: Pages) -> None:
    """The pages of the line, each with what it is narrowed to; the ways of single look-ups once, in the history."""
    narrowed = {
        "by itself": f"company={crowd['unknown'].party.uri}&itself=on",
        "no record": "only=no_record",
        "after a stop": "only=after_stop",
        "two days": f"since={crowd.noon(5):%Y-%m-%d}&until={crowd.noon(4):%Y-%m-%d}",
        "long ago": f"until={crowd.noon(30):%Y-%m-%d}",
        "looked long ago": f"only=looked&until={crowd.noon(30):%Y-%m-%d}",
    }
    paths = {name: crowd.path(role) for role, name in NAMES.items()}
    paths |= {name: crowd.path(name) for name in ("Vine Bank", "County desk", "Birch Exchange", "Ash Exchange")}
    asked = "/access-log/companies/"
    before = (crowd.now.astimezone(PACIFIC).date() - timedelta(days=29)).isoformat()
    paths |= {"choices": "/choices/", "log": "/access-log/", "asked": asked, "asked before": f"{asked}?before={before}"}
    paths |= {f"history: {title}": f"/history/?{one}" for title, one in narrowed.items()}
    paths |= {f"history: {text}": f"/history/?company={text}&not_allowed=on" for text in ("Exchange", "Nobody")}
    paths["times of day"] = "/history/times/"
    older = {"history: the month before": f"/history/?month={crowd.noon(20):%Y-%m}"}
    for title, path in ({"home": "/home/", "history": "/history/"} | older).items():
        pages.look(title, person, path)
    for title, path in paths.items():
        pages.look(title, person, path, but=("way",))


def a_crowd(market: Market) -> Crowd:
    """Everything that had come about before the person said anything on the pages."""
    now, line = timezone.now(), a_line()
    crowd = Crowd(market, line, now, market.a_partner("Ash Exchange"), market.a_partner("Birch Exchange"))
    _agree_on_uses(crowd)
    _take_in_records(crowd)
    _look(crowd)
    _get_outside_choices(crowd)
    return crowd


def _agree_on_uses(crowd: Crowd) -> None:
    special: Mapping[str, Mapping[str, object]] = {
        "claimed": {"purpose": ADS, "precision_m": 1000},
        "unknown": {"purpose": IDENTITY, "precision_m": 50},
        "family": {"purpose": FAMILY, "family_tracking": True},
        "lifeline": {"lifeline": True},
        "one_customer": {"names_recipient": True},
    }
    for role, name in NAMES.items():
        crowd.companies[role] = crowd.market.a_company(name)
        contract = (crowd.other if role in {"unknown", "doubtful"} else crowd.through).contract
        crowd.campaigns[role] = a_campaign(
            contract, crowd[role].party, ref=f"CMP-{role}", description=f"What {name} does", **special.get(role, {})
        )


def _take_in_records(crowd: Crowd) -> None:
    rows = [crowd.agreed(role) for role in NAMES if role not in NEVER_AGREED]
    rows += [
        crowd.agreed("claimed", verified_by="partner", method="web", captured_at=crowd.noon(40).isoformat()),
        crowd.agreed("ended", method="paper", expires_at=crowd.noon(50).isoformat()),
    ]
    assert told(take_approvals(*rows)) == [("accepted",)] * len(rows)
    ref = crowd.campaigns["file_allowed"].ref
    take_choice(crowd, made_at=crowd.noon(80).isoformat(), kind="allow", scope="campaign", ref=ref)


def take_choice(crowd: Crowd, **changes: object) -> None:
    """A row of the choices feed."""
    assert told(take_choices(choice_row(msisdn=number_of(crowd.line), **changes))) == [("accepted",)]


def _look(crowd: Crowd) -> None:
    """What they asked for in the name of an agreement."""
    noon, birch = crowd.noon, crowd.other
    desk, bank, shop = (
        crowd.market.a_company(name, "end_customer") for name in ("County desk", "Vine Bank", "Wisteria Shop")
    )
    once = {
        "allowed": 3, "stopped": 8, "paused": 9, "by_record": 10, "kept_stop": 11, "after_stop": 12, "suspended": 13,
        "family": 14, "lifeline": 15, "file_allowed": 16,
    }  # fmt: skip
    crowd.market.reports(
        *(crowd.looked(role, noon(days)) for role, days in once.items()),
        crowd.looked("unknown_stopped", noon(6)),
        crowd.looked("unknown_paused", noon(7)),
        crowd.looked("agreed", crowd.now - 30 * DAY + HOUR),
        crowd.looked("agreed", crowd.now - 30 * DAY - HOUR),
        crowd.looked("agreed", noon(2)),
        crowd.looked("agreed", noon(2) + HOUR, refused=True),
        crowd.looked("agreed", noon(1), precision_m=20),
        crowd.looked("ended", noon(20)),
        crowd.looked("ended", noon(60)),
        crowd.looked("claimed", noon(5)),
        crowd.looked("claimed", noon(5) + HOUR),
        crowd.looked("unknown", noon(3) + MINUTE, desk, through=birch),
        crowd.looked("unknown", noon(3) + 10 * MINUTE, desk, through=birch),
        crowd.looked("unknown", noon(4), "unknown", through=birch),
        crowd.looked("unknown", noon(21) + MINUTE, purpose=ADS, through=birch),
        crowd.looked("one_customer", noon(17), bank),
        crowd.looked("one_customer", noon(18), shop),
        crowd.looked("refused", noon(19), birch, refused=True),
        crowd.looked("refused", noon(33), birch, refused=True),
        birch.release(crowd.line, at=noon(25), campaign="", purpose="dpv:Marketing"),
    )


def _get_outside_choices(crowd: Crowd) -> None:
    """For an emergency, by two orders of a court, one of which is still secret, and for the network."""

    def outside(basis: str, days: int, *path: str, **more: object) -> Row:
        about = {"basis": basis, "campaign": "", "purpose": "dpv:LegalCompliance", "path": list(path)}
        return crowd.other.release(crowd.line, at=crowd.noon(days), **(about | {"aggregator": path[0]} | more))

    crowd.market.reports(
        outside("emergency", 21, crowd.other.party.uri, crowd["doubtful"].party.uri),
        outside("emergency", 22, "urn:psap:king-county"),
        outside("network", 55, "urn:network"),
        outside("legal_process", 23, "urn:police", authority_ref="24-113", id="told later"),
        outside("legal_process", 24, "urn:police", authority_ref="24-114", id="hidden"),
    )
    notices = (
        {"disclosure_id": "told later", "suppressed_until": crowd.noon(1).isoformat(), "order_ref": "court-7"},
        {"disclosure_id": "hidden", "suppressed_until": None, "order_ref": "court-8"},
    )
    assert told(take_notices(*notices)) == [("accepted",)] * 2
    tasks.reveal()


def everybody_acts(crowd: Crowd, clock: Clock) -> Browser:
    """What the person says on the pages, the carrier's files, an officer, and one company that asks after a stop."""
    person = signed_in(crowd.line)
    for role in ("unknown_stopped", "stopped", "kept_stop", "after_stop", "not_looked_stopped", "allowed"):
        _presses_stop(crowd, person, role)
    for role in ("unknown_paused", "paused"):
        page = main(person, f"/choices/pause/?scope=party&ref={crowd[role].party.uri}")
        press(person, page, "Pause", length="30")
    page = main(person, "/choices/allow/?campaign=CMP-allowed")
    press(person, page, f"Allow {NAMES['allowed']}", days="365")
    _presses_stop(crowd, person, "Vine Bank")
    # What others do comes after what the person said.
    clock.move_to(crowd.now + MINUTE)
    _others_act(crowd)
    return person


def _presses_stop(crowd: Crowd, person: Browser, role: str) -> None:
    act = main(person, crowd.path(role)).one("section", aria_label="What you can do")
    press(person, act, "Stop")


def _others_act(crowd: Crowd) -> None:
    newer = crowd.agreed("kept_stop", captured_at=timezone.now().isoformat(), method="ivr")
    assert told(take_approvals(newer)) == [("accepted",)]
    take_choice(crowd, made_at=crowd.noon(70).isoformat(), scope="party", ref=crowd["by_record"].party.uri)
    # What a file says of long ago makes another thing of what came after that.
    tasks.rejudge()
    crowd.market.reports(crowd.looked("after_stop", timezone.now()))
    post(staff(), f"/admin/suspend/party/{crowd['suspended'].party.pk}/", {"sure": "on"})
