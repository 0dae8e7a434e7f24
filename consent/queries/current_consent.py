"""A line's standing, read. "Allowed" and "reason" are the gate's own answers, never worked out a second time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection

from accounts.models import Line
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, Answer, Question, as_agreed
from consent.models import LineGate, Origin
from consent.queries.current_consent_ledger import Denial, Ledger, LineLedger, get_line_ledger, keys_of, moment_of, read
from consent.queries.current_consent_uses import Proof, Sharing, State, Use, proofs_of
from partners.labels import party_name, precision_in_words, purpose_in_words, sanitise_text, state_limit_in_words
from partners.models import Campaign, Party
from partners.policies.lifecycle import running

EVERYTHING = ("all",)
SUSPENDED = ("partner_suspended", "partner_unhealthy")

# A campaign and for whom it asks, a party's URI; "" for nobody in particular.
type Asked = tuple[Campaign, str]


def sharing(
    *, line: Line, campaigns: Collection[str] = (), recipients: Collection[tuple[str, str]] = (), at: datetime
) -> Sharing:
    """Describe where the line stands, for every campaign agreed to or claimed and for `campaigns` besides.

    `recipients`: pairs of a campaign and a party (URI) that it may ask for; a pair has a use of its own where the
    campaign's requests say for whom they ask. Three queries; two more where somebody is suspended; one more where a
    recipient is asked about, two if somebody is suspended, and where one is stopped alone.
    """
    kept = get_line_ledger(line_id=line.pk)
    row = kept.row
    refs = {*row.approvals, *row.claims, *campaigns}
    known = list(
        Campaign.objects.filter(ref__in=refs)
        .select_related("contract__aggregator", "lbs_provider", "cover")
        .order_by("ref")
    )
    asked: list[Asked] = [(campaign, "") for campaign in known]
    asked += list_parties_answered_by_name(known=known, row=row, recipients=recipients)
    ledger = read(kept=kept, refs=refs, at=at)
    found = _add_suspension_starts(_find_uses(asked, line.carrier_id, ledger), known, at)
    uses = _add_stopped_names({ref: use for (ref, recipient), use in found.items() if not recipient}, found, row)
    pauses = ledger.pauses(EVERYTHING)
    whole = _stop_of_everything(ledger)
    stopped_by = whole.origin if whole is not None else None
    return Sharing(
        state=_state(ledger, uses),
        stopped_at=_everything_stopped_since(whole, known, ledger),
        stop_id=_own_stop(kept) if stopped_by == Origin.PERSON else "",
        by_record=stopped_by == Origin.FILE,
        paused_since=ledger.stood_since(EVERYTHING, (), newest=pauses),
        paused_until=_ends(pauses),
        uses=uses,
        by_recipient={pair: use for pair, use in found.items() if pair[1]},
        stops=_standing_stops(row, known, ledger),
        stop_authors=_list_stop_authors(ledger),
        own_stops=_keys_stopped_by(Origin.PERSON, row),
        our_stops=_keys_stopped_by(Origin.SYSTEM, row),
        gate_is_open=kept.gate_is_open,
    )


def _everything_stopped_since(whole: Denial | None, known: Sequence[Campaign], ledger: Ledger) -> datetime | None:
    if whole is None:
        return None
    every_yes = [yes for one in known for yes in ledger.yeses(one.ref)]
    return ledger.stood_since(EVERYTHING, every_yes, newest=[whole], comes_back=True)


def _standing_stops(row: LineGate, known: Sequence[Campaign], ledger: Ledger) -> dict[str, datetime]:
    return {key: since for key in row.stops if (since := _find_stop_start(key, known, ledger))}


def _list_stop_authors(ledger: Ledger) -> dict[str, tuple[tuple[int, str], ...]]:
    return {key: ledger.list_authors(ledger.stops([key])) for key in ledger.row.stops}


def _keys_stopped_by(origin: Origin, row: LineGate) -> frozenset[str]:
    return frozenset(key for key, said in row.stops.items() if origin in said)


def use_of(*, line: Line, campaign: str, at: datetime) -> Use | None:
    """Return how the line stands to one campaign, or None where there is no such campaign."""
    if "\x00" in campaign:
        return None  # not a text that the database could look for
    return sharing(line=line, campaigns=[campaign], at=at).uses.get(campaign)


def _find_uses(asked: Sequence[Asked], carrier_id: str, ledger: Ledger) -> dict[tuple[str, str], Use]:
    """The use of each campaign and recipient, as the gate answers for them."""
    questions = [
        as_agreed(campaign=one, line=carrier_id, recipient=recipient, precision_m=WIDEST_M) for one, recipient in asked
    ]
    answers = deciding.evaluate(questions=questions)
    beneath = _get_reasons_without_suspension(questions, answers)
    kin = get_linked_parties(uris={recipient for _, recipient in asked if recipient})
    return {
        (campaign.ref, recipient): _use(
            campaign,
            answer,
            reason,
            keys_of(campaign=campaign, recipient=recipient, kin=kin.get(recipient, ())),
            ledger,
        )
        for (campaign, recipient), answer, reason in zip(asked, answers, beneath, strict=True)
    }


def _add_suspension_starts(
    found: Mapping[tuple[str, str], Use], known: Sequence[Campaign], at: datetime
) -> Mapping[tuple[str, str], Use]:
    """The uses, those that are suspended with since when: by the first of their suspensions that run."""
    if not any(use.is_suspended for use in found.values()):
        return found
    starts = _read_suspension_starts({recipient for _, recipient in found if recipient}, at)
    campaigns = {one.ref: one for one in known}
    return {
        (ref, recipient): replace(use, suspended_since=_first_start(campaigns[ref], recipient, starts))
        if use.is_suspended
        else use
        for (ref, recipient), use in found.items()
    }


def _read_suspension_starts(recipients: Collection[str], at: datetime) -> Mapping[str, datetime]:
    """Since when suspensions run, by target; of these parties by "for URI" too."""
    # Newest first: of two that run on one target, the older one's start is kept.
    held = running(at=at).filter(automatic=False)
    starts = {f"{one.of}:{one.target_id}": one.starts_at for one in held}
    named = Party.objects.filter(uri__in=recipients).values_list("uri", "pk")
    return starts | {f"for {uri}": starts[f"party:{pk}"] for uri, pk in named if f"party:{pk}" in starts}


def _first_start(campaign: Campaign, recipient: str, starts: Mapping[str, datetime]) -> datetime | None:
    """Since when the first of these suspensions denies a campaign, as the gate reads whose suspension does."""
    alone = campaign.names_recipient and recipient in {"", *campaign.cover.told_apart}
    targets = campaign.cover.named_targets if alone else campaign.cover.targets
    return min(filter(None, map(starts.get, [*targets, f"for {recipient}"])), default=None)


def _get_reasons_without_suspension(questions: Sequence[Question], answers: Sequence[Answer]) -> list[str]:
    """For each question the gate's reason, and where that is a suspension what it would be, were nobody suspended."""
    hidden = [n for n, answer in enumerate(answers) if answer.reason in SUSPENDED]
    reasons = [answer.reason for answer in answers]
    if hidden:
        without = deciding.evaluate(questions=[questions[n] for n in hidden], but_for_suspensions=True)
        for n, answer in zip(hidden, without, strict=True):
            reasons[n] = answer.reason
    return reasons


def _add_stopped_names(uses: Mapping[str, Use], found: Mapping[tuple[str, str], Use], row: LineGate) -> dict[str, Use]:
    """The uses, each with the names of those for whom alone it is stopped."""
    alone = _stopped_alone(uses, found, row)
    names = names_of(uris=[recipient for _, recipient in alone])
    return {
        ref: replace(use, not_for=tuple(sorted(names[recipient] for one, recipient in alone if one == ref)))
        for ref, use in uses.items()
    }


def _stopped_alone(
    uses: Mapping[str, Use], found: Mapping[tuple[str, str], Use], row: LineGate
) -> list[tuple[str, str]]:
    """Campaigns that are not stopped, each with a recipient that is."""
    return [
        (ref, recipient)
        for (ref, recipient), use in found.items()
        if recipient and use.is_stopped and not uses[ref].is_stopped and is_refused_by_name(uri=recipient, row=row)
    ]


def _use(campaign: Campaign, answer: Answer, beneath: str, keys: Sequence[str], ledger: Ledger) -> Use:
    stops, pauses = ledger.stops(keys), ledger.pauses(keys)
    paused = beneath == "paused"
    is_denied = paused or beneath.startswith("stopped_")
    standing = ledger.list_standing_denials(pauses if paused else stops, campaign.ref) if is_denied else []
    proofs = proofs_of(campaign=campaign.ref, reason=beneath, keys=keys, ledger=ledger)
    aggregator, provider = campaign.contract.aggregator, campaign.lbs_provider
    is_narrowed = campaign.precision_m < answer.max_precision_m <= WIDEST_M
    return Use(
        campaign=campaign.ref,
        contract_id=campaign.contract_id,
        contract_ref=campaign.contract.ref,
        aggregator_uri=aggregator.uri,
        aggregator_name=party_name(aggregator.name, aggregator.uri),
        provider_id=provider.pk,
        provider_uri=provider.uri,
        provider_name=party_name(provider.name, provider.uri),
        purpose=campaign.purpose,
        why=purpose_in_words(campaign.purpose),
        description=sanitise_text(campaign.description),
        precision=precision_in_words(campaign.precision_m),
        state_limit=state_limit_in_words(answer.max_precision_m) if is_narrowed else "",
        precision_m=campaign.precision_m,
        ends_at=campaign.ends_at,
        names_recipient=campaign.names_recipient,
        lifeline=campaign.lifeline,
        family_tracking=campaign.family_tracking,
        scope=campaign.scope,
        keys=frozenset(keys),
        allowed=answer.allowed,
        reason=answer.reason,
        beneath=beneath,
        denied_since=ledger.stood_since(keys, ledger.yeses(campaign.ref), newest=standing),
        paused_until=_ends(standing),
        by_record=bool(standing) and all(one.origin == Origin.FILE for one in standing),
        by_us=_is_ours(standing),
        no_authors=ledger.list_authors(standing),
        proof=proofs[0] if proofs else Proof("none"),
        proofs=tuple(proofs),
    )


def _find_stop_start(key: str, known: Sequence[Campaign], ledger: Ledger) -> datetime | None:
    """Since when the newest stop of a key has stood, with what was said before it of the same or of everything."""
    covered = [one.ref for one in known if key in keys_of(campaign=one)]
    yeses = [yes for ref in covered for yes in ledger.yeses(ref)]
    return ledger.stood_since({*EVERYTHING, key}, yeses, newest=ledger.stops((key,)))


def _is_ours(standing: Sequence[Denial]) -> bool:
    origins = {one.origin for one in standing}
    return Origin.SYSTEM in origins and Origin.PERSON not in origins


def _stop_of_everything(ledger: Ledger) -> Denial | None:
    """The stop of everything that stands unbroken: the person's own before one from a file."""
    found = [stop for stop in ledger.stops(EVERYTHING) if ledger.unbroken(stop)]
    return max(found, key=lambda stop: stop.origin == Origin.PERSON, default=None)


def _own_stop(kept: LineLedger) -> str:
    """The newest stop of everything that the person said."""
    own = (one for one in kept.choices if (one.kind, one.scope, one.origin) == ("stop", "all", Origin.PERSON))
    return next((str(one.id) for one in own), "")


def _state(ledger: Ledger, uses: Mapping[str, Use]) -> State:
    anything_allowed = any(not use.beneath for use in uses.values())
    if (ledger.stops(EVERYTHING) or ledger.pauses(EVERYTHING)) and not anything_allowed:
        return "off"
    return "partly" if _denies(ledger, uses) else "on"


def _denies(ledger: Ledger, uses: Mapping[str, Use]) -> bool:
    """Whether any stop or pause is in force. One of a single campaign is not, once that campaign is allowed again."""
    standing = {*ledger.row.stops} | {key for key in ledger.row.pauses if ledger.pauses((key,))}
    for key in standing:
        scope, _, ref = key.partition(":")
        if scope != "campaign" or ref not in uses or uses[ref].is_stopped:
            return True
    return False


def _ends(denials: Iterable[Denial]) -> datetime | None:
    """When the last of these pauses ends."""
    until = max((one.until for one in denials if one.until is not None), default=None)
    return None if until is None else moment_of(until)


def list_parties_answered_by_name(
    *, known: Sequence[Campaign], row: LineGate, recipients: Collection[tuple[str, str]]
) -> list[Asked]:
    """List, with their campaign, the parties that may get an answer of their own, and whomever the line stopped.

    A stop of the aggregator or the provider covers whomever they ask for.
    """
    said = {key.removeprefix("party:") for key in (*row.stops, *row.pauses) if key.startswith("party:")}
    found = []
    for campaign in known:
        if campaign.names_recipient:
            wanted = {uri for ref, uri in recipients if ref == campaign.ref} | (said & {*campaign.cover.parties})
            found += [(campaign, uri) for uri in sorted(wanted - {*campaign.cover.named_parties})]
    return found


def is_refused_by_name(*, uri: str, row: LineGate) -> bool:
    """Return whether a stop or pause names this party itself."""
    return f"party:{uri}" in row.stops or f"party:{uri}" in row.pauses


def get_linked_parties(*, uris: Collection[str]) -> Mapping[str, list[str]]:
    """Return, by party, those whose stops and pauses cover it, itself among them. One query, or none."""
    if not uris:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uri, partners_kin_of('party', ARRAY[uri]) FROM unnest(%s::text[]) AS uri", [sorted(uris)]
        )
        return dict(cursor.fetchall())


def names_of(*, uris: Iterable[str]) -> Mapping[str, str]:
    """Return what pages call these parties. One query, or none."""
    wanted = set(uris)
    if not wanted:
        return {}
    return {party.uri: party_name(party.name, party.uri) for party in Party.objects.filter(uri__in=wanted)}
