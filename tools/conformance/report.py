"""Report what a trial of a partner's end found, case by case, for people and for programs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Event

from django.db.models import Q

from partners.labels import UNKNOWN
from partners.models import Campaign, Contract, Party, Reach
from partners.policies.identifiers import events_address_of
from revocations.domain.streams import endpoints

GUIDE = "docs/guides/partners.md"


class Verdict(StrEnum):
    PASSED = "pass"
    FAILED = "FAIL"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Case:
    """One thing that the guide asks for. `rule`: its number in the guide. `fix`: what to look at where it fails."""

    name: str
    rule: int
    expected: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """What was seen of a case."""

    case: Case
    verdict: Verdict
    seen: str

    def as_json(self) -> dict[str, object]:
        return {
            "case": self.case.name,
            "expected": self.case.expected,
            "seen": self.seen,
            "verdict": self.verdict.value,
            "fix": self.case.fix if self.verdict is Verdict.FAILED else "",
            "guide": f"{GUIDE}#rule-{self.case.rule}",
        }


@dataclass(frozen=True)
class Report:
    """All findings about one partner's end."""

    partner: str
    url: str
    findings: Sequence[Finding]

    @property
    def has_passed(self) -> bool:
        return not any(finding.verdict is Verdict.FAILED for finding in self.findings)

    def verdicts(self) -> Mapping[str, str]:
        return {finding.case.name: finding.verdict.value for finding in self.findings}

    def as_json(self) -> dict[str, object]:
        return {
            "partner": self.partner,
            "url": self.url,
            "passed": self.has_passed,
            "findings": [finding.as_json() for finding in self.findings],
        }

    def as_text(self) -> str:
        """Return one line for each case, and under each failure what to fix."""
        width = max(len(finding.case.name) for finding in self.findings)
        lines = [f"{self.partner} at {self.url}", ""]
        for finding in self.findings:
            case = finding.case
            lines.append(f"{finding.verdict.value:<8}{case.name:<{width}}  {finding.seen}")
            if finding.verdict is Verdict.FAILED:
                lines.append(f"{'':8}{'':{width}}  expected: {case.expected}")
                lines.append(f"{'':8}{'':{width}}  to fix: {case.fix} ({GUIDE}, rule {case.rule})")
        counts = {verdict: sum(one.verdict is verdict for one in self.findings) for verdict in Verdict}
        lines += ["", ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())]
        return "\n".join(lines)


CASES = {
    case.name: case
    for case in (
        Case("verification", 14, "202 with an empty body", "Answer SSF's verification by 202. Nothing is to be kept."),
        Case("stream-updated", 14, "202 with an empty body", "Answer SSF's stream-updated by 202."),
        Case("good-order", 7, "202 with an empty body", "Take an order that is well signed and for you."),
        Case("empty-state", 6, "202 with an empty body", "Take an order whose state is []: nothing is allowed."),
        Case("repeated", 5, "202 again, and one receipt", "Answer a repeat by 202 and ignore it."),
        Case("reordered", 5, "202 for the older too, and it is ignored", "Keep the newest by (epoch, version)."),
        Case("rotated-key", 2, "202", "Fetch the JWK Set again when you meet a kid that you don't know."),
        Case("wrong-key", 2, "400 invalid_key", "Check the signature by the key of that kid."),
        Case("unknown-key", 2, "400 invalid_key", "Refuse a kid that is not in the carrier's JWK Set."),
        Case("wrong-audience", 3, "400 invalid_audience", "Refuse what is not for you alone."),
        Case("audience-list", 3, "400 invalid_audience", "aud is one text: yours. Refuse a list with others on it."),
        Case("wrong-issuer", 3, "400 invalid_issuer", "Refuse what another issuer signs itself."),
        Case("typ-missing", 1, "400 invalid_request", "Refuse a token whose typ is not secevent+jwt."),
        Case("alg-none", 1, "400 invalid_request or invalid_key", "Take ES256 (or your stream's RS256) and no other."),
        Case("hs256", 1, "400 invalid_request or invalid_key", "A public key is no secret: never take HS*."),
        Case("two-events", 4, "400 invalid_request", "Refuse a SET with more than one event."),
        Case("unknown-event", 4, "400 invalid_request", "Refuse an event of a type that the guide does not name."),
        Case("sub-claim", 4, "400 invalid_request", "sub is not in a SET: its subject is sub_id."),
        Case("exp-claim", 4, "400 invalid_request", "exp is not in a SET: refuse one that has it."),
        Case("unknown-words", 6, "202, and never signed as done", "What you don't know you deny, and don't sign for."),
        Case("oversized", 16, "a refusal, and the next event is taken", "Bound what you read, and go on."),
        Case("error-form", 8, "400 with err and description as JSON", "Refuse in the form of RFC 8935, 2.3."),
        Case("error-type", 8, "each 400 is application/json", "Say so in Content-Type."),
        Case("error-language", 8, "each 400 names a language", "Say in Content-Language what description is in."),
        Case("cohort", 13, "202, and the whole list is fetched", "Fetch the index and each shard with your token."),
        Case("late-order", 13, "202, and it is ignored", "A cohort raises the epoch of each name on its list."),
        Case("part-cohort", 13, "202, the list, and a receipt for that part alone", "With scope only that part ended."),
        Case("spoiled-cohort", 13, "202, and never signed as done", "Compare the index with the digest in the event."),
        Case("receipts", 12, "a valid completed receipt for each order taken", "Sign when it is done, and hand it in."),
        Case("cohort-receipt", 12, "a completed receipt with counts", "Sign one receipt: acted_on and list_sha256."),
        Case("downstream", 11, "every company that changes withdraws is named", "Tell each, and put in its receipt."),
        Case(
            "unregistered-below", 12, "handed in again after our 400", "Read why, have the key registered, send again."
        ),
        Case("evidence", 17, "202, and an answer to the question", "Answer an evidence-request, also with none."),
        Case("authorization", 18, "401, 403 or 400 authentication_failed", "Take a push by your own header alone."),
        Case("answer-time", 9, "every answer within the time", "Store, answer, and work afterwards."),
        Case("no-redirects", 9, "no answer sends us elsewhere", "Answer at the address that you gave us."),
    )
}


PAUSE_S = 0.25
# Looks again and again until a condition holds, or it is time to give up. Tells which.
type Wait = Callable[[Callable[[], bool]], bool]


class NoTarget(Exception):
    """There is nothing to try; the message says why."""


@dataclass(frozen=True)
class DownstreamParty:
    """A company below the partner, and what it is allowed there."""

    recipient: str
    purpose: str
    scope: str


@dataclass(frozen=True)
class Target:
    """One partner's end. `below`: the companies that our own books name behind it, each once."""

    party: Party
    url: str
    authorization: str
    algorithm: str
    below: tuple[DownstreamParty, ...]

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


def target(*, name: str, at: datetime) -> Target:
    """Return the end of the partner of this URI, name or contract. Raises NoTarget."""
    party = _party(name)
    end = endpoints(party_ids=[party.pk])[party.pk]
    if not end.pushed:
        raise NoTarget(f"{party.name} receives by polling: there is no end to push to. Try it by its push stream.")
    url = end.url or events_address_of(party_id=party.pk)
    if not url:
        raise NoTarget(f"no address of {party.name} is known: neither a stream nor a contract has one")
    return Target(party, url, end.authorization, end.algorithm, _below(party, at))


def _party(name: str) -> Party:
    contract = Contract.objects.select_related("aggregator").filter(ref=name).first()
    if contract is not None:
        return contract.aggregator
    found = list(Party.objects.filter(Q(uri=name) | Q(name__iexact=name))[:2])
    if len(found) != 1:
        raise NoTarget(f"{'no' if not found else 'more than one'} party, name or contract {name!r}")
    return found[0]


def _below(party: Party, at: datetime) -> tuple[DownstreamParty, ...]:
    campaigns = Campaign.objects.filter(
        contract__aggregator=party, is_draft=False, contract__is_draft=False, starts_at__lte=at, ends_at__gt=at
    )
    found: dict[str, DownstreamParty] = {}
    for campaign in campaigns.select_related("lbs_provider").order_by("pk"):
        behind = Reach.objects.filter(campaign=campaign).values_list("party__uri", flat=True)
        for uri in (campaign.lbs_provider.uri, *sorted(behind)):
            if uri not in {party.uri, UNKNOWN}:
                found.setdefault(uri, DownstreamParty(uri, campaign.purpose, campaign.scope))
    return tuple(found.values())


def for_seconds(seconds: float) -> Wait:
    """Give up after so many seconds, each time."""

    def wait(condition: Callable[[], bool]) -> bool:
        end, pause = time.monotonic() + seconds, Event()
        while not condition():
            if time.monotonic() >= end:
                return False
            pause.wait(PAUSE_S)
        return True

    return wait
