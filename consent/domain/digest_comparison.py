"""Entry by entry: what a partner holds of some buckets, set against what the gate says now and said when it looked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.models import Line
from audit.models import AuditEvent
from consent.domain.digest_books import (
    AS_OF_SKEW,
    Entry,
    PartnerState,
    Place,
    Use,
    get_bucket_lines,
    list_partner_states,
)
from consent.gate import deciding
from consent.gate.rules import EPOCH, MICROSECOND
from consent.gate.shapes import Answer, Question, as_agreed
from consent.models import LineGate
from consent.queries import permission
from partners.models import Campaign, Contract, Party
from revocations.models import Cohort, StreamEvent

# As many questions go into one statement.
MOST_QUESTIONS = 2000
# The gate's words for a term that is over; ours where it was over before the agreed day.
ENDS = ("contract_not_in_force", "campaign_not_in_force")
SHORTENED = "shortened"
OFFICERS_ACTS = (SHORTENED, "jurisdiction_prohibits")

type Pair = tuple[int, int]


@dataclass(frozen=True)
class Difference:
    """A use in which the books differ. `told_so`: our own newest order to the partner still allows what we deny."""

    line_id: int
    contract_id: int | None
    place: Place
    told_so: bool


@dataclass
class Comparison:
    """What came of comparing some buckets. `has`: held and denied. `lacks`: allowed, and not held, or by an old order.

    `untold`: entries that we deny and that the partner holds by our own word, because nobody told it better yet. They
    count as the same in both books; it is to be told.
    """

    has: list[Difference] = field(default_factory=list)
    untold: list[Difference] = field(default_factory=list)
    lacks: list[Difference] = field(default_factory=list)
    same: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class _PartnerEntry:
    """One of the partner's entries, and what it is about. `contract_id` None: under no agreement of the partner's."""

    entry: Entry
    line_id: int
    contract_id: int | None

    @property
    def pair(self) -> Pair:
        return self.line_id, self.contract_id or 0


@dataclass(frozen=True)
class _Question:
    """May this line be asked about by this campaign; `recipient` "": whoever it is for."""

    line_id: int
    campaign: Campaign
    recipient: str = ""


def compare(*, party: Party, buckets: Mapping[int, Sequence[Entry]], as_of: datetime) -> Comparison:
    """Compare these buckets, each held whole by the partner at `as_of`. A bounded number of statements."""
    lines = get_bucket_lines(party_id=party.pk, buckets=buckets)
    books = _Books.read(party, {*lines.values()}, as_of)
    entries = [entry for bucket in buckets.values() for entry in dict.fromkeys(bucket)]
    held = [
        _PartnerEntry(entry, lines[entry.sub], books.agreements.get(entry.agreement))
        for entry in entries
        if entry.sub in lines
    ]
    books.ask_about(held)
    found = _compare_entries(books, held)
    found.unknown = len(entries) - len(held)
    found.lacks += books.lacking({(one.pair, one.entry.place) for one in held})
    return found


def _compare_entries(books: "_Books", held: Sequence[_PartnerEntry]) -> Comparison:
    found = Comparison()
    denied: list[_PartnerEntry] = []
    for one in held:
        if books.denies(one):
            denied.append(one)
        elif books.up_to_date(one):
            found.same += 1
        else:
            found.lacks.append(Difference(one.line_id, one.contract_id, one.entry.place, told_so=False))
    for one in books.list_denied_as_of(denied):
        (found.untold if books.lacks_end_notice(one) else found.has).append(books.finding(one))
    found.same += len(denied) - len(found.has)
    return found


@dataclass
class _Books:
    """Ours, as far as the lines in question go."""

    party: Party
    as_of: datetime
    carrier_ids: Mapping[int, str]
    agreements: Mapping[str, int]
    campaigns: Mapping[tuple[int, Place], Sequence[Campaign]]
    told: Mapping[Pair, PartnerState]
    ending: Collection[tuple[int, int | None]]
    shortened: set[str]
    choosy: Collection[int]
    agreed: Mapping[int, Mapping[str, Sequence[tuple[int, int | None, str]]]]
    answers: dict[tuple[int, str, str], Answer] = field(default_factory=dict)
    suspended: set[tuple[int, str, str]] = field(default_factory=set)

    @classmethod
    def read(cls, party: Party, line_ids: Collection[int], as_of: datetime) -> "_Books":
        rows = list(LineGate.objects.filter(line_id__in=line_ids).only("line_id", "stops", "pauses", "approvals"))
        campaigns: dict[tuple[int, Place], list[Campaign]] = defaultdict(list)
        known = Campaign.objects.filter(contract__aggregator=party)
        for campaign in known.select_related("contract__aggregator", "lbs_provider", "cover").order_by("ref"):
            place = campaign.lbs_provider.uri, campaign.purpose, campaign.scope
            campaigns[campaign.contract_id, place].append(campaign)
        return cls(
            party=party,
            as_of=as_of,
            carrier_ids=dict(Line.objects.filter(pk__in=line_ids).values_list("pk", "carrier_id")),
            agreements={
                f"{settings.BASE_URL}/agreements/{ref}": pk
                for pk, ref in Contract.objects.filter(aggregator=party).values_list("pk", "ref")
            },
            campaigns=campaigns,
            told=list_partner_states(party_id=party.pk, line_ids=line_ids, as_of=as_of),
            ending=_ending(party, as_of),
            shortened=_list_shortened_terms(party, as_of),
            choosy={row.line_id for row in rows if _has_party_denial(row)},
            agreed={row.line_id: row.approvals for row in rows},
        )

    def questions(self, pair: Pair, place: Place) -> Iterable[_Question]:
        """Return what the gate is to be asked about one use: each campaign for it, and each company it may name."""
        line_id, contract_id = pair
        for campaign in self.campaigns.get((contract_id, place), ()):
            yield _Question(line_id, campaign)
            yield from (_Question(line_id, campaign, uri) for uri in self._companies(line_id, campaign))

    def _companies(self, line_id: int, campaign: Campaign) -> list[str]:
        """The companies to ask about one by one: those this campaign's requests name, on a line that stopped any."""
        if not campaign.names_recipient or line_id not in self.choosy:
            return []
        return [uri for uri in campaign.cover.parties if uri not in campaign.cover.named_parties]

    def ask(self, questions: Sequence[_Question]) -> None:
        """Ask the gate what was not asked yet, but for suspensions: the partner is not told of those line by line."""
        wanted = {_key(question): question for question in questions if _key(question) not in self.answers}
        keys = list(wanted)
        for start in range(0, len(keys), MOST_QUESTIONS):
            part = keys[start : start + MOST_QUESTIONS]
            answers = deciding.evaluate(
                questions=[self._as_agreed(wanted[key]) for key in part], but_for_suspensions=True
            )
            self.answers |= dict(zip(part, answers, strict=True))

    def ask_about(self, held: Sequence[_PartnerEntry]) -> None:
        """Ask the gate what these entries hold, and look at suspensions where our word is that it is denied."""
        self.ask([question for one in held for question in self.questions(one.pair, one.entry.place)])
        self.find_suspensions([one for one in held if self.has_denial(one)])

    def find_suspensions(self, denied: Sequence[_PartnerEntry]) -> None:
        """Which of these are suspended now: what was told as denied under a suspension is denied by it."""
        asked = [_Question(one.line_id, campaign) for one in denied for campaign in self._campaigns(one)]
        for start in range(0, len(asked), MOST_QUESTIONS):
            part = asked[start : start + MOST_QUESTIONS]
            answers = deciding.evaluate(questions=[self._as_agreed(question) for question in part])
            self.suspended |= {
                _key(question)
                for question, answer in zip(part, answers, strict=True)
                if answer.reason in {"partner_suspended", "partner_unhealthy"}
            }

    def has_denial(self, one: _PartnerEntry) -> bool:
        """Return whether the partner has our word that this use is denied, and nothing newer is on its way."""
        standing = self.told.get(one.pair)
        return (
            standing is not None
            and standing.number is not None
            and not standing.since
            and one.entry.place not in standing.had
        )

    def denies(self, one: _PartnerEntry) -> bool:
        """Return whether the gate says no to what this entry holds, and no order on its way excuses it."""
        if not self._is_denied(one):
            return False
        if (one.contract_id or 0, None) in self.ending or any(
            (one.contract_id or 0, campaign.pk) in self.ending for campaign in self._campaigns(one)
        ):
            return False
        standing = self.told.get(one.pair)
        return standing is None or not standing.may_hold(
            one.entry.place, excepted=one.entry.excepted, as_of=self.as_of, unordered=self._by_their_own_yes(one)
        )

    def _by_their_own_yes(self, one: _PartnerEntry) -> list[Use]:
        """What the subscriber agreed to of this use: nobody orders that, so before a first order the partner holds it.

        Whether a stop stands against it does not matter here: that is what the orders on their way say.
        """
        agreed = self.agreed.get(one.line_id, {})
        ends = [until for campaign in self._campaigns(one) for _, until, _ in agreed.get(campaign.ref, ())]
        return [Use(None if until is None else EPOCH + until * MICROSECOND, frozenset()) for until in ends]

    def _is_denied(self, one: _PartnerEntry) -> bool:
        allowing = [
            campaign
            for campaign in self._allowing(one.pair, one.entry.place)
            if not (self.has_denial(one) and _key(_Question(one.line_id, campaign)) in self.suspended)
        ]
        return not allowing or bool(self._denied_recipients(one))

    def _allowing(self, pair: Pair, place: Place) -> list[Campaign]:
        """The campaigns by which the gate allows this use now."""
        return [
            campaign
            for campaign in self.campaigns.get((pair[1], place), ())
            if self.answers[_key(_Question(pair[0], campaign))].allowed
        ]

    def _denied_recipients(self, one: _PartnerEntry) -> list[str]:
        """Companies that the entry does not except, and for which the gate says no by every campaign."""
        by_company: dict[str, list[bool]] = defaultdict(list)
        for campaign in self._campaigns(one):
            for uri in self._companies(one.line_id, campaign):
                by_company[uri].append(self.answers[_key(_Question(one.line_id, campaign, uri))].allowed)
        return [uri for uri, allowed in by_company.items() if not any(allowed) and uri not in one.entry.excepted]

    def _campaigns(self, one: _PartnerEntry) -> Sequence[Campaign]:
        return self.campaigns.get((one.contract_id or 0, one.entry.place), ())

    def up_to_date(self, one: _PartnerEntry) -> bool:
        """Return whether an allowed entry is as our newest order has it, may not be yet, or comes from no order."""
        standing = self.told.get(one.pair)
        if standing is None or standing.since or standing.number is None:
            return True
        use = standing.had.get(one.entry.place)
        return (
            use is not None
            and standing.number == (one.entry.epoch, one.entry.version)
            and use.excepted == {*one.entry.excepted}
        )

    def list_denied_as_of(self, denied: Sequence[_PartnerEntry]) -> list[_PartnerEntry]:
        """List those denied at `as_of` too, by the ledger: what ended since may still be in the books."""
        questions = [(n, question) for n, one in enumerate(denied) for question in self._questions_then(one)]
        still = self._denied_by_all(questions)
        return [one for n, one in enumerate(denied) if n in still or self.has_denial(one) or not self._campaigns(one)]

    def _denied_by_all(self, questions: Sequence[tuple[int, _Question]]) -> set[int]:
        """The entries about which for some company no campaign was permitted."""
        asked = [self._then(question) for _, question in questions]
        answers = permission.answers_at(asked=asked) if asked else []
        about = [(n, question.recipient) for n, question in questions]
        allowed = {place for place, answer in zip(about, answers, strict=True) if answer == "permitted"}
        return {n for n, company in about if (n, company) not in allowed}

    def _questions_then(self, one: _PartnerEntry) -> list[_Question]:
        # A use that is allowed as such is denied for the companies it does not except.
        companies = self._denied_recipients(one) if self._allowing(one.pair, one.entry.place) else [""]
        return [_Question(one.line_id, campaign, company) for campaign in self._campaigns(one) for company in companies]

    def finding(self, one: _PartnerEntry) -> Difference:
        """Describe what is to be made known of an entry that is denied."""
        return Difference(
            one.line_id, one.contract_id, one.entry.place, told_so=self._find_ordered_use(one) is not None
        )

    def _find_ordered_use(self, one: _PartnerEntry) -> Use | None:
        """What our newest order to the partner allows of this entry."""
        standing = self.told.get(one.pair)
        newest = (standing.since[-1] if standing.since else standing.had) if standing else {}
        use = newest.get(one.entry.place)
        return use if use is not None and use.excepted <= {*one.entry.excepted} else None

    def lacks_end_notice(self, one: _PartnerEntry) -> bool:
        """Return whether a denied entry is held by our own word, and we should have told that it ended and did not.

        An end that the partner knows by itself is none of that: a term as it was agreed, a use's own `expires_at`.
        """
        if self.told.get(one.pair) is None:
            return self._is_denied_by_officers(one)
        use = self._find_ordered_use(one)
        ended = use is None or (use.ends_at is not None and use.ends_at <= self.as_of)
        return not ended and any(self._why(one.line_id, campaign) not in ENDS for campaign in self._campaigns(one))

    def _is_denied_by_officers(self, one: _PartnerEntry) -> bool:
        # The person's own yes is all its word, and an officer's act is what stands against it.
        agreed = [campaign for campaign in self._campaigns(one) if campaign.ref in self.agreed.get(one.line_id, ())]
        return any(self._why(one.line_id, campaign) in OFFICERS_ACTS for campaign in agreed)

    def _why(self, line_id: int, campaign: Campaign) -> str:
        """Why the gate denies this campaign, in its own words, or `SHORTENED`."""
        why = self.answers[_key(_Question(line_id, campaign))].reason
        cut = {f"contract:{campaign.contract_id}", f"campaign:{campaign.pk}"} & self.shortened
        return SHORTENED if why in ENDS and cut else why

    def lacking(self, held: Collection[tuple[Pair, Place]]) -> list[Difference]:
        """Return what the partner lacks of that which it was told and which is allowed."""
        missing = [one for one in self._running() if one not in held]
        self.ask([question for pair, place in missing for question in self.questions(pair, place)])
        return [Difference(*pair, place, told_so=False) for pair, place in missing if self._allowing(pair, place)]

    def _running(self) -> Iterator[tuple[Pair, Place]]:
        """What the partner holds by an order that nothing on its way changes, and that had not ended by itself."""
        for pair, standing in self.told.items():
            if standing.number is not None and not standing.since:
                yield from ((pair, place) for place, use in standing.had.items() if self._lasts(use))

    def _lasts(self, use: Use) -> bool:
        return use.ends_at is None or use.ends_at > self.as_of

    def _as_agreed(self, question: _Question) -> Question:
        return as_agreed(
            campaign=question.campaign, line=self.carrier_ids[question.line_id], recipient=question.recipient
        )

    def _then(self, question: _Question) -> permission.PermissionQuestion:
        campaign = question.campaign
        alone = campaign.names_recipient and question.recipient in {"", *campaign.cover.told_apart}
        named = [question.recipient] if question.recipient else []
        behind = [] if alone else campaign.cover.parties
        parties = [self.party.uri, campaign.lbs_provider.uri, *named, *behind]
        return permission.PermissionQuestion(
            line_id=question.line_id,
            campaign=campaign.ref,
            parties=parties,
            purpose=campaign.purpose,
            scope=campaign.scope,
            precision_m=campaign.precision_m,
            at=self.as_of,
            known_at=self.as_of,
        )


def _key(question: _Question) -> tuple[int, str, str]:
    return question.line_id, question.campaign.ref, question.recipient


def _has_party_denial(row: LineGate) -> bool:
    """Whether it has a stop or pause of a party: on others, each company behind a campaign is as the campaign is."""
    return any(key.startswith("party:") for key in (*row.stops, *row.pauses))


def _ending(party: Party, as_of: datetime) -> set[tuple[int, int | None]]:
    """Contracts, or single campaigns of them, whose end the partner had not acknowledged yet at `as_of`."""
    told_of = StreamEvent.objects.filter(cohort_id=OuterRef("pk"), acknowledged_at__lte=as_of - AS_OF_SKEW)
    open_ends = Cohort.objects.filter(~Exists(told_of), party_id=party.pk)
    return {(cohort.contract_id, cohort.target_id if cohort.of == Cohort.Of.CAMPAIGN else None) for cohort in open_ends}


def _list_shortened_terms(party: Party, as_of: datetime) -> set[str]:
    """Contracts and campaigns ("contract:3") that an officer ended before the agreed day, where that day is ahead.

    But for those whose end was told as a whole: its partner knows it once it has acknowledged that.
    """
    contracts = Contract.objects.filter(aggregator=party).values_list("pk", flat=True)
    campaigns = Campaign.objects.filter(contract__aggregator=party).values_list("pk", flat=True)
    targets = [*(f"contract:{pk}" for pk in contracts), *(f"campaign:{pk}" for pk in campaigns)]
    ends = Cohort.objects.filter(party_id=party.pk).values_list("of", "target_id")
    told_of = {f"{of}:{target_id}" for of, target_id in ends}
    known = [target for target in targets if target not in told_of]
    cut = AuditEvent.objects.filter(action__in=("contract.shortened", "campaign.shortened"), target__in=known)
    return {
        target
        for target, detail in cut.values_list("target", "detail")
        if datetime.fromisoformat(detail["was"]) > as_of
    }
