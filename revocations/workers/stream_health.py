"""Deny a partner everything that lets orders lie for 24 hours, or whose stream is not well.

Denied by one row that the gate looks for; lifted by two officers. Before that reaches somebody's lifeline, a medical or
roadside service, the officers are told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import Max, Min, Q

import audit.actions
from accounts.models import User
from accounts.workers.one_by_one import run_each
from audit.models import Incident
from audit.queries import database_clock
from partners.labels import party_name
from partners.models import Campaign, Contract, Suspension
from revocations.models import Breach, Order, ResponsibleParty, Stream, StreamEvent, StreamHealth
from revocations.queries.answerable_time import (
    SAMPLE,
    Try,
    get_answerable_time,
    list_delivery_minutes,
    list_orders_parked_with_us,
    tries_at,
    tries_of,
)

log = structlog.get_logger()

ACKNOWLEDGED_WITHIN = timedelta(hours=24)
WARN_AFTER = timedelta(hours=12)
ENABLED_WITHIN = timedelta(minutes=15)
MOST_FAILED_VERIFICATIONS = 3
SYSTEM = "system:clocks"
OFFICER = "officer:"
EVER = datetime.max.replace(tzinfo=UTC)

# By partner, those that wait the longest: one short range of an index for each, however many wait; not what is parked
# with us, until it is offered anew. And since when: a newer order that took an unacknowledged one's place carries on
# its clock.
WAITING = """
SELECT waiting.party_id, waiting.line_id, waiting.id, (
    SELECT min(older.queued_at) FROM revocations_order older
    WHERE older.line_id = waiting.line_id AND older.contract_id = waiting.contract_id
        AND older.acknowledged_at IS NULL AND older.queued_at > coalesce((
            SELECT max(taken.queued_at) FROM revocations_order taken
            WHERE taken.line_id = waiting.line_id AND taken.contract_id = waiting.contract_id
                AND taken.acknowledged_at IS NOT NULL), '-infinity'))
FROM (SELECT DISTINCT aggregator_id AS id FROM partners_contract) party
CROSS JOIN LATERAL (
    SELECT o.party_id, o.line_id, o.id, o.contract_id FROM revocations_order o
    WHERE o.party_id = party.id AND o.next_attempt_at IS NOT NULL
        AND (o.parked_with <> %s OR o.next_attempt_at <= %s)
    ORDER BY o.queued_at LIMIT %s
) waiting
"""


@dataclass(frozen=True)
class StreamTrouble:
    """Why a partner is to be denied (`denies`), or will be if it goes on like this. `about` names what it is about.

    `contract_id` None: all contracts of the partner. `ours`: one of us brought it about, so that it is no breach.
    """

    party_id: int
    kind: Breach.Kind
    about: str
    why: str
    due_at: datetime
    denies: bool
    contract_id: int | None = None
    line_id: int | None = None
    ours: bool = False


def watch(*, now: datetime) -> int:
    """Look at every partner that is not denied already. Returns how many are denied from now on.

    Safe to run twice at once. Mail to officers goes out after the rows stand.
    """
    return run_each(job="revocations.watch", rows=_troubles(now), do=partial(_act_on, now=now), at=now)


def _act_on(trouble: StreamTrouble, now: datetime) -> bool:
    """Whether it is denied from now on."""
    is_denied = trouble.denies and _deny(trouble, now)
    lifelines = _lifelines(trouble.party_id, now)
    if lifelines and _is_news(trouble, now):
        _mail_officers(trouble, len(lifelines))
    return is_denied


def list_unanswered_since() -> dict[int, datetime]:
    """By partner: since when it has left an order lying, or the end of an agreement. What is parked with us counts."""
    ends = StreamEvent.objects.filter(kind=StreamEvent.Kind.COHORT, next_attempt_at__isnull=False)
    found = dict(ends.order_by().values("party_id").annotate(at=Min("queued_at")).values_list("party_id", "at"))
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [ResponsibleParty.US, EVER, SAMPLE])
        orders = [(party_id, since) for party_id, _, _, since in cursor.fetchall() if since]
    for party_id, since in orders:
        found[party_id] = min(since, found.get(party_id, since))
    return found


def _troubles(now: datetime) -> Iterator[StreamTrouble]:
    """Yield one for each partner in trouble: the one that denies it, if there is one."""
    found: dict[int, StreamTrouble] = {}
    lifted = _get_lift_times()
    for trouble in (*_streams(now, lifted), *_find_unacknowledged(now, lifted)):
        known = found.get(trouble.party_id)
        if known is None or (trouble.denies and not known.denies):
            found[trouble.party_id] = trouble
    denied = set(
        Suspension.objects.filter(of=Suspension.Of.PARTY, automatic=True, ends_at__isnull=True).values_list(
            "target_id", flat=True
        )
    )
    yield from (trouble for party_id, trouble in sorted(found.items()) if party_id not in denied)


def _get_lift_times() -> dict[int, datetime]:
    """When two officers last lifted such a denial: from then on a partner's clocks run anew."""
    ended = Suspension.objects.filter(of=Suspension.Of.PARTY, automatic=True, ends_at__isnull=False)
    return dict(ended.order_by().values("target_id").annotate(at=Max("ends_at")).values_list("target_id", "at"))


def _streams(now: datetime, lifted: dict[int, datetime]) -> Iterator[StreamTrouble]:
    for stream in Stream.objects.exclude(status=Stream.Status.ENABLED):
        since = max(stream.status_at, lifted.get(stream.party_id, stream.status_at))
        # We could have sent in these minutes, had it been enabled.
        ran = get_answerable_time(pulses=list_delivery_minutes(since=since, now=now), tries=())
        yield StreamTrouble(
            stream.party_id,
            Breach.Kind.UNHEALTHY,
            f"stream:{stream.id}:{since:%Y%m%dT%H%M}",
            f"Its stream is {stream.status} and was not enabled again.",
            since + ENABLED_WITHIN,
            denies=ran >= ENABLED_WITHIN,
            ours=stream.status_by.startswith(OFFICER),
        )
    for health in StreamHealth.objects.filter(failed_verifications__gte=MOST_FAILED_VERIFICATIONS - 1):
        # Once lifted, it takes as many new ones to deny it again.
        anew = lifted.get(health.party_id)
        since = anew or health.counts_from
        asked = StreamEvent.objects.filter(
            party_id=health.party_id, kind=StreamEvent.Kind.VERIFICATION, queued_at__gt=since
        )
        if anew is None or asked.count() >= MOST_FAILED_VERIFICATIONS:
            yield StreamTrouble(
                health.party_id,
                Breach.Kind.UNHEALTHY,
                f"party:{health.party_id}:verifications:{since:%Y%m%dT%H%M}",
                f"Its stream failed {health.failed_verifications} verifications.",
                now,
                denies=health.failed_verifications >= MOST_FAILED_VERIFICATIONS,
            )


def _find_unacknowledged(now: datetime, lifted: dict[int, datetime]) -> Iterator[StreamTrouble]:
    tried: dict[int, Sequence[Try]] = {}
    for order, queued_at in _waiting(now):
        since = max(queued_at, lifted.get(order.party_id, queued_at))
        if order.party_id not in tried:
            tried[order.party_id] = tries_at(party_id=order.party_id)
        unheard = Order.objects.filter(line_id=order.line_id, contract_id=order.contract_id, queued_at__gte=queued_at)
        waited = _measure_wait(since, now, (tried[order.party_id], tries_of(orders=unheard)))
        if waited >= WARN_AFTER:
            yield _not_acknowledged(order, since, denies=waited >= ACKNOWLEDGED_WITHIN)
    cohorts = StreamEvent.objects.filter(
        kind=StreamEvent.Kind.COHORT, next_attempt_at__isnull=False, queued_at__lte=now - WARN_AFTER
    )
    for event in cohorts.exclude(list_orders_parked_with_us(now=now)).order_by("queued_at"):
        since = max(event.queued_at, lifted.get(event.party_id, event.queued_at))
        waited = _measure_wait(since, now, [tries_at(party_id=event.party_id)])
        if waited >= WARN_AFTER:
            yield _not_acknowledged(event, since, denies=waited >= ACKNOWLEDGED_WITHIN)


def _waiting(now: datetime) -> list[tuple[Order, datetime]]:
    """Orders that the partner has left lying for so long that its officer is told, and since when."""
    before = now - WARN_AFTER
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [ResponsibleParty.US, now, SAMPLE])
        # Without a time: a newer one was acknowledged, which says all that this one does.
        since = {(line_id, order_id): at for _, line_id, order_id, at in cursor.fetchall() if at and at <= before}
    orders = Order.objects.filter(pk__in=list(since)) if since else Order.objects.none()
    return sorted(((order, since[order.line_id, order.id]) for order in orders), key=lambda one: one[1])


def _measure_wait(since: datetime, now: datetime, tried: Sequence[Sequence[Try]]) -> timedelta:
    """For how long the partner could have acknowledged: by what was tried there at all, and by what for this order."""
    ran = list_delivery_minutes(since=since, now=now)
    return min(get_answerable_time(pulses=ran, tries=tries) for tries in tried)


def _not_acknowledged(row: Order | StreamEvent, since: datetime, *, denies: bool) -> StreamTrouble:
    return StreamTrouble(
        row.party_id,
        Breach.Kind.ACKNOWLEDGE,
        str(row.id),
        "It hasn't acknowledged an order.",
        since + ACKNOWLEDGED_WITHIN,
        denies=denies,
        contract_id=row.contract_id,
        line_id=row.line_id if isinstance(row, Order) else None,
    )


@transaction.atomic
def _deny(trouble: StreamTrouble, now: datetime) -> bool:
    """Suspend, write down the partner's breach and open the incident, all or nothing. False if somebody just did."""
    with connection.cursor() as cursor:
        key = f"suspension {Suspension.Of.PARTY} {trouble.party_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    running = Suspension.objects.filter(of=Suspension.Of.PARTY, automatic=True, ends_at__isnull=True)
    if running.filter(target_id=trouble.party_id).exists():
        return False
    made = Suspension.objects.create(
        of=Suspension.Of.PARTY,
        target_id=trouble.party_id,
        automatic=True,
        # By the clock that the gate goes by.
        starts_at=min(now, database_clock()),
        reason=trouble.why,
        actor=SYSTEM,
    )
    if not trouble.ours:
        Breach.objects.bulk_create(_breaches(trouble, made, now), ignore_conflicts=True)
    audit.actions.open_incident(
        kind=Incident.Kind.PARTNER_UNHEALTHY, key=f"suspension:{made.pk}", subject=f"partner:{trouble.party_id}", at=now
    )
    audit.actions.record(
        action="suspension.began",
        actor=SYSTEM,
        target=f"party:{trouble.party_id}",
        at=now,
        reason=trouble.why,
        detail={"suspension": made.pk, "automatic": True},
    )
    return True


def _breaches(trouble: StreamTrouble, made: Suspension, now: datetime) -> list[Breach]:
    if trouble.contract_id is not None:
        contracts = {trouble.contract_id: trouble.about}
    else:
        held = Contract.objects.filter(aggregator_id=trouble.party_id, is_draft=False, starts_at__lte=now)
        contracts = {pk: f"suspension:{made.pk}:{pk}" for pk in held.values_list("pk", flat=True)}
    return [
        Breach(
            kind=trouble.kind,
            contract_id=contract_id,
            party_id=trouble.party_id,
            line_id=trouble.line_id,
            about=about,
            due_at=trouble.due_at,
            at=now,
        )
        for contract_id, about in contracts.items()
    ]


def _lifelines(party_id: int, now: datetime) -> list[str]:
    """Return the medical and roadside services that a denial of this partner would reach, by name."""
    behind = Q(contract__aggregator=party_id) | Q(lbs_provider=party_id) | Q(reach__party=party_id)
    in_force = Q(starts_at__lte=now, ends_at__gt=now, contract__starts_at__lte=now, contract__ends_at__gt=now)
    campaigns = Campaign.objects.filter(
        behind, in_force, lifeline=True, is_draft=False, contract__is_draft=False
    ).select_related("lbs_provider")
    return sorted({party_name(one.lbs_provider.name, one.lbs_provider.uri) for one in campaigns})


def _is_news(trouble: StreamTrouble, now: datetime) -> bool:
    """Open the incident, once for each trouble and for no second one of the same partner within a day.

    That it is denied now is news whatever was told before: it is another thing than that it may be.
    """
    subject = f"partner:{trouble.party_id}"
    told = Incident.objects.filter(kind=Incident.Kind.LIFELINE_AT_RISK)
    key = f"{subject}:{trouble.about}"
    if trouble.denies:
        key = f"{key}:denied"
    elif told.filter(subject=subject, opened_at__gt=now - timedelta(days=1)).exists():
        return False
    if told.filter(key=key).exists():
        return False
    return audit.actions.open_incident(kind=Incident.Kind.LIFELINE_AT_RISK, key=key, subject=subject, at=now)


def _mail_officers(trouble: StreamTrouble, n: int) -> None:
    """Tell every officer by mail how many lifelines are at risk: e-mail leaves our systems, so it names no company.

    A mail server that is down, or an address that is none, is logged; the incident stands.
    """
    services = f"{n} service{'' if n == 1 else 's'}"
    ahead = "It is denied everything now" if trouble.denies else "If this continues, it will be denied everything"
    text = (
        f"A partner: {trouble.why}\n\n{ahead}, including {services} that people rely on in an emergency.\n\n"
        f"{settings.BASE_URL}/admin/incidents/?kind={Incident.Kind.LIFELINE_AT_RISK}&state=open\n"
    )
    officers = User.objects.filter(role=User.Role.OFFICER, is_active=True).exclude(email="")
    for address in officers.order_by("pk").values_list("email", flat=True):
        try:
            send_mail("Whereabouts: a lifeline is at risk", text, None, [address])
        except (OSError, ValueError):
            log.exception("an officer could not be told by mail", party=trouble.party_id)
