"""What the console says once an act is done or refused: where it leads, and what is read there that was not before."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from audit.models import Incident
from console.workers.imports import run as check_uploads
from disclosures.models import Upload
from partners.models import Proposal
from support.models import CarrierTestLine, SuspendRequest
from support.queries.incidents import duties_of
from tests.agents import public
from tests.factories import FRAUD, a_campaign, a_contract, a_party
from tests.feeds import line_row, ndjson, release_row
from tests.partners.outside import Signer
from tests.support.console import Console, an_upload
from tests.support.officers import WHY, Member, staff
from tests.words.named import named
from tests.words.pages import changes
from tests.words.transcripts import NUMBERED, masked, transcript

type Read = Iterator[tuple[str, list[str]]]
type Form = Mapping[str, object]
type Act = tuple[str, str, Form]
DAY = timedelta(days=1)


class Acts:
    """Acts of two officers in the world of everything that the console shows."""

    def __init__(self, console: Console, officer: Member, *, at: datetime) -> None:
        self.console, self.officer, self.at = console, officer, at
        self.second = staff(name="petra")
        self.before: dict[str, list[str]] = {}
        self.said: list[str] = []

    def pages(self) -> Read:
        """Every act, by its title."""
        for acts in (
            self.on_companies(), self.on_terms(), self.on_rules(), self.on_partners(), self.on_incidents(),
            self.on_clients(), self.on_files(), self.of_other_kinds(),
        ):  # fmt: skip
            for title, path, form in acts:
                yield title, self.says(self.officer, path, form)
        yield from self.by_two()
        yield from self.under_orders_of_court()
        for number in (1, 2):
            page = self.officer.client.get(f"/admin/trail/?page={number}").content.decode()
            yield f"all of it in the audit log, {number}", transcript(page, but=("select",), links=False)

    def on_companies(self) -> Iterator[Act]:
        """Companies: added, changed, linked, noted, suspended."""
        party = self.console.campaign.lbs_provider_id
        new = {"uri": "https://new.example", "name": "New", "kind": "lbs_provider"}
        yield "a company is added", "parties/add/", new
        yield "a company is added again", "parties/add/", new
        yield (
            "a company is changed",
            f"parties/{party}/change/",
            {"name": "GeoBridge Finders", "website": "https://f.example"},
        )
        link = {"kin_ref": "https://new.example", "link": "succeeds"}
        yield "a company is linked", f"link/party/{party}/", link
        yield "a company is linked again", f"link/party/{party}/", link
        yield "a company is noted", f"note/party/{party}/", {"owner": self.second.actor}
        contract = self.console.campaign.contract_id
        for title, days, no in (("soon", 9, ""), ("a day that is gone", 0, ""), ("a day and of none", 9, "on")):
            form = {"owner": "same", "remind_on": f"{self.at + days * DAY:%Y-%m-%d}", "no_reminder": no}
            yield f"a reminder of {title}", f"note/contract/{contract}/", form
        yield "a reminder of nobody's", f"note/contract/{contract}/", {"owner": "officer:0", "remind_on": ""}
        yield "a company is suspended", f"suspend/party/{party}/", {}
        yield "a lift is proposed", f"lift/party/{party}/", {}
        yield "a lift is proposed again", f"lift/party/{party}/", {}

    def on_terms(self) -> Iterator[Act]:
        """Contracts and campaigns: drafted, in force, paid for, shortened, discarded."""
        contract = a_contract(a_party("Maple Link"), ref="AGR-maple")
        paid, drafted = (
            a_campaign(
                contract,
                a_party(name, "lbs_provider"),
                ref=f"CMP-{name.lower()}",
                is_draft=is_draft,
                consideration="other",
            )
            for name, is_draft in (("Maple", False), ("Oak", True))
        )
        gone = a_contract(a_party("Pine Link"), ref="AGR-pine", is_draft=True)
        for word in ("monetary", "none"):
            yield f"paid for: {word}", f"campaigns/{paid.pk}/paid/", {"consideration": word}
        yield "a term is shortened", f"shorten/campaign/{paid.pk}/", {"ends_at": "2090-06-01"}
        yield "a term is shortened to a later day", f"shorten/campaign/{paid.pk}/", {"ends_at": "2094-06-01"}
        yield "a longer term is proposed", f"extend/contract/{contract.pk}/", {"ends_at": "2097-01-01"}
        yield "a campaign is put in force", f"force/campaign/{drafted.pk}/", {}
        yield "a campaign is put in force again", f"force/campaign/{drafted.pk}/", {}
        yield "a draft is discarded", f"discard/contract/{gone.pk}/", {}
        yield "what is in force is discarded", f"discard/contract/{contract.pk}/", {}
        yield "addresses are changed", f"contracts/{contract.pk}/endpoints/", {"hosts": "calls.maple.example"}

    def on_rules(self) -> Iterator[Act]:
        """Rules of states and of anomalies, and wordings."""
        rule = {"state": "NV", "starts_at": "2051-09-01", "purposes": [FRAUD], "source": "NRS 1"}
        yield "a rule is added", "rules/add/", rule
        yield "the end of a rule is proposed", "rules/1/relax/", {"ends_at": "2052-01-01"}
        yield "anomalies are found earlier", "anomaly-rules/burst/", {"threshold": 2, "window": 600, "enabled": "on"}
        yield "anomalies are found later", "anomaly-rules/burst/", {"threshold": 900, "window": 600, "enabled": "on"}
        notice = {"use": "stop", "language": "en", "starts_at": "2051-09-01", "body": "You stop it."}
        yield "a wording is proposed", "notices/propose/", notice

    def on_partners(self) -> Iterator[Act]:
        """How partners receive."""
        streams = f"streams/{self.console.campaign.contract.aggregator_id}"
        for word in ("pause", "pause", "enable", "enable"):
            yield f"a stream: {word}{self._again(word)}", f"{streams}/status/{word}/", {}
        yield "orders are sent again", f"{streams}/resend/", {}
        none = a_contract(a_party("Quiet Link"), ref="AGR-quiet").aggregator_id
        yield "no orders are sent again", f"streams/{none}/resend/", {}
        for days in (30, 0):
            yield (
                f"orders of {days} days are recovered",
                f"{streams}/recover/",
                {"since": f"{self.at - days * DAY:%Y-%m-%dT%H:%M}"},
            )
        yield "no orders are recovered", f"streams/{none}/recover/", {"since": f"{self.at:%Y-%m-%dT%H:%M}"}

    def on_incidents(self) -> Iterator[Act]:
        """Incidents: worked, noted, told, closed, reported."""
        incident = f"incidents/{self.console.ids['incident_id']}"
        report = {
            "kind": "partner_breach", "company": self.console.campaign.contract.aggregator.uri,
            "happened": "A laptop was stolen.", "affected": "Some lists.", "known_at": f"{self.at:%Y-%m-%dT%H:%M}",
        }  # fmt: skip
        for n in (1, 2):
            yield f"an incident is acknowledged, {n}", f"{incident}/acknowledge/", {}
        yield "an incident is assigned", f"{incident}/assign/", {"to": self.second.actor}
        yield "an incident is noted", f"{incident}/note/", {}
        for act in ("close", "close again", "acknowledge", "assign"):
            form = {"to": self.second.actor} if act == "assign" else {}
            yield f"an incident: {act}", f"{incident}/{act.split()[0]}/", form
        yield "an incident is reported", "incidents/report/", report
        made = Incident.objects.get(kind=Incident.Kind.PARTNER_BREACH)
        duty = duties_of(incident=made)[0].clock.duty.name
        for days in (1, 30, -90):
            told = {"duty": duty, "reference": "FCC-17", "told_on": f"{self.at + days * DAY:%Y-%m-%d}"}
            yield f"told in {days} days", f"incidents/{made.pk}/told/", told
        yield "an incident is reported without a word", "incidents/report/", {**report, "happened": "…"}
        for days in (-4000, 9):
            when = f"{self.at + days * DAY:%Y-%m-%dT%H:%M}"
            yield f"an incident is reported, known in {days} days", "incidents/report/", {**report, "known_at": when}

    def on_clients(self) -> Iterator[Act]:
        """API clients and agents."""
        number, agent = self.console.ids["number"], self.console.ids["agent_number"]
        key = json.dumps(Signer("new").public)
        named = {"kind": "gateway", "party": "", "public_jwk": key}
        yield "a client is registered", "clients/register/", {"client_id": "gate-2", **named}
        for title, text in (("no key", "{}"), ("a private key", json.dumps({**Signer("x").public, "d": "x"}))):
            yield f"a client with {title}", "clients/register/", {"client_id": "gate-3", **named, "public_jwk": text}
        yield "another key is proposed", f"clients/{number}/key/", {"public_jwk": json.dumps(Signer("y").public)}
        for act in ("enable", "disable", "unbind"):
            yield f"a client: {act}", f"clients/{number}/{act}/", {}
        listed = {"name": "Other Slip", "key": public(Ed25519PrivateKey.generate()), "hosts": "other.example"}
        yield "an agent is registered", "authorized-agents/register/", {"agent_id": "OTHER_SLIP", **listed}
        yield "an agent is proposed", f"authorized-agents/{agent}/propose/", listed
        yield "an agent is suspended", f"authorized-agents/{agent}/suspend/", {}

    def on_files(self) -> Iterator[Act]:
        """Files of the carrier's."""
        stops = SimpleUploadedFile("lines.ndjson", ndjson([line_row(line_id="L-2")]))
        yield "a file is uploaded", "imports/add/", {"feed": "lines", "file": stops}
        yield "a file with rows of every fault is uploaded", "imports/add/", {"feed": "disclosures", "file": _faults()}
        for _ in range(2):
            check_uploads(now=timezone.now())
        yield "it is discarded", f"imports/{Upload.objects.get(feed='disclosures').pk}/discard/", {}
        upload = self.console.ids["upload_id"]
        yield "the import of a file is proposed", f"imports/{upload}/start/", {}
        other = an_upload(self.officer.actor, at=self.at).pk
        for time in ("", " again"):
            yield f"a file is discarded{time}", f"imports/{other}/discard/", {}

    def of_other_kinds(self) -> Iterator[Act]:
        """Test lines, requests of the desk, what is told, documents."""
        ours = CarrierTestLine.objects.get()
        for time in ("", " again"):
            yield f"a test line is ended{time}", f"test-lines/{ours.pk}/end/", {}
        yield "a line that is no test line's", "test-lines/add/", {"line": self.console.line.carrier_id}
        request = SuspendRequest.objects.get()
        for time in ("", " again"):
            yield f"a request is granted{time}", f"suspend-requests/{request.pk}/", {"decision": "suspend"}
        separation = f"separations/{self.console.ids['separation_id']}/close/"
        yield "a separation is done without a day", separation, {"outcome": "done", "day": ""}
        yield "a separation is done", separation, {"outcome": "done", "day": "2051-09-01"}
        party = self.console.campaign.contract.aggregator_id
        yield "a document is signed", f"documents/make/company/{party}/", {}
        yield (
            "what is told changes",
            "notifications/",
            {"is_on": "on", "told": ["canary", "proposals"], "quiet_from": 22, "quiet_until": 6, "zone": "UTC"},
        )

    def by_two(self) -> Read:
        """What the other officer says of a proposal, and what the first can't."""
        open_now = Proposal.objects.filter(decision="").order_by("act", "of", "target_id", "proposed_at")
        for n, proposal in enumerate(open_now, 1):
            act = f"{n} {proposal.act} of a {proposal.of}"
            page = self.second.client.get(f"/admin/proposals/{proposal.pk}/").content.decode()
            yield f"read: {act}", transcript(page, but=("select",))
            yield f"agreed to one's own: {act}", self.says(self.officer, f"proposals/{proposal.pk}/agree/", {})
            yield f"agreed: {act}", self.says(self.second, f"proposals/{proposal.pk}/agree/", {})
            yield f"withdrawn too late: {act}", self.says(self.officer, f"proposals/{proposal.pk}/withdraw/", {})
        campaign = a_campaign(a_contract(a_party("Birch Link"), ref="AGR-birch"), ref="CMP-birch")
        for how, who in (("decline", self.second), ("withdraw", self.officer)):
            end = f"{2090 + len(how)}-01-01"
            self.says(self.officer, f"extend/contract/{campaign.contract_id}/", {"ends_at": end})
            made = Proposal.objects.get(decision="", target_id=campaign.contract_id, of="contract")
            yield f"a proposal: {how}", self.says(who, f"proposals/{made.pk}/{how}/", {})
        for how, typed in (("propose", "CMP-other"), ("propose", "CMP-birch"), ("now", "CMP-birch")):
            path = f"terminate/campaign/{campaign.pk}/"
            page = self.officer.client.get(f"/admin/{path}").content.decode()
            plan = page.partition('name="plan" value="')[2].partition('"')[0]
            form = {"plan": plan, "typed": typed, "how": how}
            yield f"an end: {how} {typed}", self.says(self.officer, path, form)

    def under_orders_of_court(self) -> Read:
        """What the legal-process role is told."""
        legal, order = staff(User.Role.LEGAL, name="lea"), {"order_ref": "22-mc-17"}
        yield "orders: none yet", _lines(legal.client.post("/admin/delayed/", WHY).content.decode(), but=())
        for title, path, form in (
            ("hidden without an end", "hide", {"disclosures": "GeoBridge-1"}),
            ("hidden", "hide", {"disclosures": "GeoBridge-1", "until": "2051-09-01"}),
            ("hidden again", "hide", {"disclosures": "GeoBridge-1", "until": "2051-09-01"}),
            ("nothing like it", "hide", {"disclosures": "none-1", "until": "2051-09-01"}),
            ("one to come", "await", {"disclosures": "later-1", "open_end": "on"}),
            ("two to come", "await", {"disclosures": "later-2\nlater-3", "open_end": "on"}),
            ("lifted", "lift", {"disclosures": ""}),
            ("lifted again", "lift", {"disclosures": ""}),
        ):
            yield f"an order: {title}", self.says(legal, f"delayed/{path}/", {**order, **form})
            if title in {"two to come", "lifted again"}:
                page = legal.client.post("/admin/delayed/", WHY).content.decode()
                yield f"orders: {title}", _lines(page, but=())

    def says(self, who: Member, path: str, form: Form) -> list[str]:
        """Do it; where it led, and what is read there that was not read there before."""
        path, sent = f"/admin/{path}", {**WHY, **form}
        asked = _lines(who.client.get(path).content.decode())
        answer = who.client.post(path, sent)
        page = answer.content.decode()
        if seal := page.partition('name="seen" value="')[2].partition('"')[0]:
            answer = who.client.post(path, {**sent, "seen": seal})
        if answer.status_code != 302:
            return [*_address(path), *(line for line in _lines(answer.content.decode()) if line not in asked)]
        where = answer.headers["Location"]
        read = _lines(who.client.get(where).content.decode())
        before, self.before[where] = self.before.get(where, []), read
        return [*_address(where), *changes(before, read)]

    def _again(self, word: str) -> str:
        self.said.append(word)
        return " again" if self.said.count(word) > 1 else ""


def _faults() -> SimpleUploadedFile:
    """A file of releases, each of which is rejected for a reason of its own."""
    rows: tuple[dict[str, object], ...] = (
        {"msisdn": "none"}, {"occurred_at": "yesterday"}, {"occurred_at": "2099-01-01T00:00:00Z"}, {"purpose": ""},
        {"basis": "because"}, {"path": ["https://geobridge.example\x00"]}, {"campaign": "CMP-none"},
        {"path": ["https://nobody.example"]}, {"msisdn": "+12065550999"},
    )  # fmt: skip
    broken = b'{"id": \n\xff\xfe\n{"id": "1", "id": "2"}\n'
    return SimpleUploadedFile("releases.ndjson", ndjson([release_row(**row) for row in rows]) + broken)


def _address(path: str) -> list[str]:
    return [masked(re.sub(NUMBERED, "‹n›", named(path)))]


def _lines(page: str, but: tuple[str, ...] = ("select", "figure", "o-table", "o-filters")) -> list[str]:
    return transcript(page, but=but, links=False)
