"""Every choice made on a line, the newest first: what each was about, and what superseded it."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, Q, Subquery

import audit.queries
from consent.models import Choice, ChoiceOrder, ChoiceReceipt, Notice, Origin, PrivacySignal
from consent.queries.approvals import STANDS
from consent.queries.progress import Asks, FollowedOrder, follow_orders, get_requested_actions
from partners.labels import UNKNOWN, party_name, purpose_in_words, sanitise_text
from partners.models import Campaign, Party
from revocations.models import Order, State

PAGE = 50
FIRST = datetime(9999, 12, 31, tzinfo=UTC)

# A no ends for a use when a newer yes to it came; of the person's own no, only their own yes. What is taken over from
# a file counts from when it came.
CHANGED_NO = """
SELECT min(yes.at) FROM (
    SELECT id, ref AS campaign, greatest(made_at, recorded_at) AS at FROM consent_choice
    WHERE line_id = %(line)s AND kind = 'allow' AND made_at > %(made_at)s AND (origin = 'person' OR %(file)s)
    UNION ALL
    SELECT id, campaign, greatest(captured_at, recorded_at) FROM consent_approval
    WHERE line_id = %(line)s AND verified_by = 'carrier' AND captured_at > %(made_at)s AND %(file)s
) yes
WHERE NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = %(line)s AND x.yes_id = yes.id)
    AND (%(scope)s = 'all' OR EXISTS (
        SELECT FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.ref = yes.campaign AND %(ref)s = ANY (
            CASE %(scope)s WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END)))
"""
CHANGED_YES = """
SELECT min(greatest(no.made_at, no.recorded_at)) FROM consent_choice no
WHERE no.line_id = %(line)s AND no.kind IN ('stop', 'refuse') AND no.made_at >= %(made_at)s
    AND (no.scope = 'all' OR EXISTS (
        SELECT FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.ref = %(ref)s AND no.ref = ANY (
            CASE no.scope WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END)))
"""
_OF_CHOICE = {"line_id": OuterRef("line_id"), "choice_id": OuterRef("id")}
RECEIPT = Subquery(ChoiceReceipt.objects.filter(**_OF_CHOICE).values("number")[:1])
TOLD = ArraySubquery(ChoiceOrder.objects.filter(**_OF_CHOICE).values("order_id"))
MOST_BY_SIGNAL = 50
# Who says the stops by which a yes of the account holder's ends when a file makes a child's line an adult's.
GROWN_UP = "import:grown_up"
# In the trail, as what an "I never agreed" came to; the stop it made is untouched.
DISPUTE_WITHDRAWN = "dispute.withdrawn"
NEVER_AGREED = "never_agreed"


@dataclass(frozen=True)
class PartnerProgress:
    """One partner told of a choice: by which order, and where what that asks stands now."""

    order: Order
    followed: FollowedOrder


@dataclass(frozen=True)
class ChoiceRow:
    """One choice in a list. `company` and `why` name what it is about, as far as its scope has them.

    `told`: how far each partner told of it is. `use`: of a campaign, whom it finds the phone for (URI) and its purpose.
    `notice`: the digest of what was read before it, "" where nothing was. `withdrawn_at`: as `withdrawn_at` says.
    """

    id: uuid.UUID
    line_id: int
    kind: str
    scope: str
    ref: str
    company: str
    why: str
    made_at: datetime
    recorded_at: datetime
    until: datetime | None
    by: str
    actor: str
    channel: str
    program: str
    disputed: bool
    receipt: str
    told: tuple[PartnerProgress, ...]
    use: tuple[str, str]
    notice: str
    withdrawn_at: datetime | None

    @property
    def orders(self) -> tuple[tuple[Order, FollowedOrder], ...]:
        """The orders that told of it, one for each partner, each with where it stands."""
        return tuple((one.order, one.followed) for one in self.told)

    @property
    def order_ids(self) -> tuple[uuid.UUID, ...]:
        """The orders that told of it, one for each partner."""
        return tuple(one.order.id for one in self.told)

    @property
    def active_orders(self) -> tuple[FollowedOrder, ...]:
        """Where each partner told of it stands; without those to whom a newer message took a yes back."""
        return tuple(one.followed for one in self.told if not self._is_withdrawn(one))

    @property
    def received_count(self) -> int:
        """How many of them have it."""
        return sum(one.received_at is not None for one in self.active_orders)

    @property
    def to_sign(self) -> tuple[FollowedOrder, ...]:
        """Those that are asked to sign for something."""
        return tuple(
            one.followed
            for one in self.told
            if get_requested_actions(asks=self.asks, orders=[one.order, one.followed.order]).anything
        )

    @property
    def signed_count(self) -> int:
        """How many of these have signed that all of it is done."""
        return sum(one.state == State.COMPLETED for one in self.to_sign)

    @property
    def in_part(self) -> tuple[FollowedOrder, ...]:
        """Those that signed for a part: a company behind them has not."""
        return _by_name(one for one in self.to_sign if one.state == State.PARTIAL)

    @property
    def still_open(self) -> tuple[str, ...]:
        """The names of those whose signature is missing, or was broken."""
        done = {State.COMPLETED, State.PARTIAL}
        return tuple(one.party for one in _by_name(one for one in self.to_sign if one.state not in done))

    def list_late(self, *, at: datetime) -> tuple[str, ...]:
        """List the names of those that should have signed by now."""
        return tuple(one.party for one in _by_name(one for one in self.to_sign if one.is_overdue(at=at)))

    def _is_withdrawn(self, told: PartnerProgress) -> bool:
        newer = told.followed.order
        allowed = {(entry["recipient"], entry["purpose"]) for entry in newer.snapshot["state"]}
        return self.kind == Choice.Kind.ALLOW and newer is not told.order and self.use not in allowed

    @property
    def asks(self) -> Asks:
        """What it asks partners to sign for. What had ended before it came asks nothing of anybody."""
        if self.kind == Choice.Kind.ALLOW or self.over_before:
            return "nothing"
        return "stop" if self.kind == Choice.Kind.PAUSE else "delete"

    @property
    def in_force_since(self) -> datetime:
        """From when on the gate has kept it: what was taken over from a file counted for nobody before it came."""
        return self.recorded_at if self.by == "file" else self.made_at

    def over(self, *, at: datetime) -> bool:
        """Return whether its own end has come."""
        return self.until is not None and self.until <= at

    @property
    def over_before(self) -> bool:
        """Whether it had ended when it was taken over, so that the gate never kept it."""
        return self.until is not None and self.until <= self.in_force_since


@dataclass(frozen=True)
class ChoicePage:
    """A stretch of the list. `older` is where the next one starts, "" at the end."""

    rows: tuple[ChoiceRow, ...]
    older: str


def choices_page(*, line_id: int, before: str = "") -> ChoicePage:
    """Return fifty choices from a place in the list on (`older` of the page before; anything else: the newest)."""
    at, last = _place(before)
    found = list(
        Choice.objects.filter(STANDS, line_id=line_id)
        .filter(Q(made_at__lt=at) | Q(made_at=at, id__lt=last))
        .order_by("-made_at", "-id")[: PAGE + 1]
    )
    rows = _rows(found[:PAGE])
    more = found[PAGE - 1] if len(found) > PAGE else None
    return ChoicePage(rows, f"{more.made_at.isoformat()}_{more.id}" if more else "")


def choice_of(*, line_ids: Collection[int], choice_id: uuid.UUID) -> ChoiceRow | None:
    """Return one choice of one of these lines, or None: another's choice does not exist for them."""
    found = Choice.objects.filter(STANDS, line_id__in=line_ids, id=choice_id).first()
    return _rows([found])[0] if found else None


def describe_scope(*, scope: str, ref: str) -> str | None:
    """Name what a choice of this scope would be about, as people know it; "" for everything, None for nothing."""
    if scope == Choice.Scope.ALL:
        return ""
    if "\x00" in ref:
        return None
    if scope == Choice.Scope.PARTY:
        party = Party.objects.filter(uri=ref).exclude(uri=UNKNOWN).first()
        return party_name(party.name, party.uri) if party else None
    if scope == Choice.Scope.PURPOSE:
        return purpose_in_words(ref) if Campaign.objects.filter(purpose=ref).exists() else None
    return _campaign_in_words(ref) if scope == Choice.Scope.CAMPAIGN else None


def _campaign_in_words(ref: str) -> str | None:
    one = Campaign.objects.filter(ref=ref).select_related("lbs_provider").first()
    if one is None:
        return None
    return f"{party_name(one.lbs_provider.name, one.lbs_provider.uri)}: {purpose_in_words(one.purpose)}"


def rows_of(*, choices: Sequence[Choice]) -> tuple[ChoiceRow, ...]:
    """Return these choices as a list shows them."""
    return _rows(choices) if choices else ()


def _place(before: str) -> tuple[datetime, uuid.UUID]:
    moment, _, choice_id = before.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC), uuid.UUID(choice_id)
    except (ValueError, OverflowError):
        return FIRST, uuid.UUID(int=0)


def _rows(choices: Sequence[Choice]) -> tuple[ChoiceRow, ...]:
    lines, ids = {choice.line_id for choice in choices}, [choice.id for choice in choices]
    kept = Choice.objects.filter(line_id__in=lines, id__in=ids).values_list("id", RECEIPT, TOLD)
    receipts: dict[uuid.UUID, str] = {}
    told: dict[uuid.UUID, Sequence[uuid.UUID]] = {}
    for choice_id, number, order_ids in kept:
        receipts[choice_id], told[choice_id] = number or "", order_ids
    orders = _orders(lines, told)
    known = follow_orders(told=[order for told in orders.values() for order in told])
    names = _Names.of(choices)
    withdrawn = _list_withdrawals(choices)
    return tuple(
        _row(choice, receipts, orders.get(choice.id, ()), known, names, withdrawn.get(choice.id)) for choice in choices
    )


def _list_withdrawals(choices: Sequence[Choice]) -> dict[uuid.UUID, datetime]:
    """When each "I never agreed" among them was withdrawn, those that were. No query where there is none among them."""
    disputed = {f"choice:{one.id}": one.id for one in choices if _is_disputed(one)}
    if not disputed:
        return {}
    moments = audit.queries.list_first_moments(action=DISPUTE_WITHDRAWN, targets=disputed)
    return {disputed[target]: at for target, at in moments.items()}


def _orders(lines: Collection[int], told: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> dict[uuid.UUID, list[Order]]:
    wanted = {order_id for order_ids in told.values() for order_id in order_ids}
    by_id = {one.id: one for one in Order.objects.filter(line_id__in=lines, id__in=wanted)}
    return {
        choice_id: [by_id[order_id] for order_id in order_ids if order_id in by_id]
        for choice_id, order_ids in told.items()
    }


@dataclass(frozen=True)
class _Names:
    parties: Mapping[str, str]
    campaigns: Mapping[str, tuple[str, str, tuple[str, str]]]

    @classmethod
    def of(cls, choices: Iterable[Choice]) -> "_Names":
        wanted: dict[str, set[str]] = {"party": set(), "campaign": set(), "purpose": set(), "all": set()}
        for choice in choices:
            wanted[choice.scope].add(choice.ref)
        parties = Party.objects.filter(uri__in=wanted["party"]) if wanted["party"] else ()
        campaigns = (
            Campaign.objects.filter(ref__in=wanted["campaign"]).select_related("lbs_provider")
            if wanted["campaign"]
            else ()
        )
        return cls(
            {party.uri: party_name(party.name, party.uri) for party in parties},
            {
                one.ref: (
                    party_name(one.lbs_provider.name, one.lbs_provider.uri),
                    purpose_in_words(one.purpose),
                    (one.lbs_provider.uri, one.purpose),
                )
                for one in campaigns
            },
        )


def _row(
    choice: Choice,
    receipts: Mapping[uuid.UUID, str],
    orders: Sequence[Order],
    known: Mapping[uuid.UUID, FollowedOrder],
    names: _Names,
    withdrawn: datetime | None,
) -> ChoiceRow:
    company, why, use = "", "", ("", "")
    match choice.scope:
        case Choice.Scope.PARTY:
            company = names.parties.get(choice.ref, sanitise_text(choice.ref, at_most=80))
        case Choice.Scope.PURPOSE:
            why = purpose_in_words(choice.ref)
        case Choice.Scope.CAMPAIGN:
            company, why, use = names.campaigns.get(choice.ref, (sanitise_text(choice.ref, at_most=80), "", use))
        case _:
            pass
    return ChoiceRow(
        id=choice.id,
        line_id=choice.line_id,
        kind=choice.kind,
        scope=choice.scope,
        ref=choice.ref,
        company=company,
        why=why,
        made_at=choice.made_at,
        recorded_at=choice.recorded_at,
        until=choice.until,
        by=_by(choice),
        actor=choice.actor,
        channel=choice.channel,
        program=sanitise_text(choice.program, at_most=80),
        disputed=_is_disputed(choice),
        receipt=receipts.get(choice.id, ""),
        told=tuple(PartnerProgress(order, known[order.id]) for order in orders),
        use=use,
        notice=choice.notice,
        withdrawn_at=withdrawn,
    )


def _is_disputed(choice: Choice) -> bool:
    return choice.reason == NEVER_AGREED


def _by_name(followed: Iterable[FollowedOrder]) -> tuple[FollowedOrder, ...]:
    return tuple(sorted(followed, key=lambda one: one.party.casefold()))


def _by(choice: Choice) -> str:
    """Who said it, in the kinds that a page has words for: `person`, `line`, `agent`, `file`, `us`."""
    if choice.origin != Origin.PERSON:
        return "file" if choice.origin == Origin.FILE else "us"
    kind = choice.actor.partition(":")[0]
    return {"subscriber": "person", "line": "line", "agent": "agent", "officer": "agent"}.get(kind, "person")


def notice_of(*, digest: str) -> Notice | None:
    """Return the notice of this digest, word for word; None for a choice that came without one."""
    return Notice.objects.filter(digest=digest).first() if digest else None


def withdrawn_at(*, choice_id: uuid.UUID) -> datetime | None:
    """Return when its person withdrew an "I never agreed", which leaves the stop as it is; None while they have not."""
    return audit.queries.happened_at(action=DISPUTE_WITHDRAWN, target=f"choice:{choice_id}")


def changed_at(*, choice: ChoiceRow) -> datetime | None:
    """Return when a later choice first took from this one something that it covers; None while it stands unbroken.

    For a pause, only what came while it ran. One query.
    """
    wanted: dict[str, int | str | bool | datetime] = {
        "line": choice.line_id,
        "made_at": choice.made_at,
        "scope": choice.scope,
        "ref": choice.ref,
        "file": choice.by == "file",
    }
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_YES if choice.kind == "allow" else CHANGED_NO, wanted)
        changed: datetime | None
        (changed,) = cursor.fetchone()
    return None if changed and choice.until and choice.kind == "pause" and changed >= choice.until else changed


def is_outlasted(*, choice: ChoiceRow) -> bool:
    """Return whether the person stopped, after this pause, all that it covers. One query for a pause, none else."""
    if choice.kind != Choice.Kind.PAUSE:
        return False
    stops = Choice.objects.filter(line_id=choice.line_id, kind=Choice.Kind.STOP, origin=Origin.PERSON)
    wider = Q(scope=Choice.Scope.ALL) | Q(scope=choice.scope, ref=choice.ref)
    return stops.filter(wider, made_at__gt=choice.made_at).exists()


@dataclass(frozen=True)
class SignalView:
    """When the signal came, and what was answered where it met a yes; `open`: nothing was, yet."""

    first_at: datetime
    newest_at: datetime
    answer: str
    answered_at: datetime | None
    open: bool


def signal_of(*, line_id: int) -> SignalView | None:
    """Return the signal as it stands for a line, or None where it never came."""
    found = PrivacySignal.objects.filter(pk=line_id).first()
    if found is None:
        return None
    still = found.asked_at is not None and not found.answer
    return SignalView(found.first_at, found.newest_at, found.answer, found.answered_at, still)


def stops_by_signal(*, line_id: int) -> tuple[ChoiceRow, ...]:
    """Return the newest stops that the signal made."""
    made = Choice.objects.filter(line_id=line_id, channel="gpc").order_by("-made_at", "-id")
    return rows_of(choices=list(made[:MOST_BY_SIGNAL]))
