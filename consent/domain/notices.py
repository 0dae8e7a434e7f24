"""Word what a person reads before they choose, and list whom a stop or pause covers before and after it is made.

The wording is the officers' newest, filled from who would receive it now. It is kept word for word with the choice it
came before, under its digest. A list that grew between reading and answering makes another digest, and the answer given
to the older one does not count.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import F, Max
from django.utils import translation
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext, pgettext

from accounts.domain.message_templates import join_words
from accounts.models import LineNumber
from accounts.primitives.zones import name_of
from consent.domain import snapshots
from consent.gate.shapes import WIDEST_M
from consent.models import Choice, Notice
from consent.queries.choices import ChoiceRow
from consent.queries.current_consent import names_of
from consent.queries.current_consent_ledger import EPOCH, MICROSECOND
from consent.queries.current_consent_uses import Proof, Sharing, Use
from consent.queries.permission import PermissionQuestion, answers_at
from partners.labels import party_name, precision_in_words, purpose_in_words
from partners.models import Campaign, Contract, NoticeText, Reach

# In the first of these languages that has one that counts by now.
NEWEST = """
SELECT id, use, language, version, body, published_at, actor FROM partners_noticetext
WHERE use = %(use)s AND language = ANY (%(languages)s) AND published_at <= (SELECT audit_now())
ORDER BY array_position(%(languages)s, language::text), version DESC LIMIT 1
"""
KEPT = "SELECT digest FROM consent_notice WHERE digest = %s"
PLACE = re.compile(r"\{(companies|purpose|precision|until)\}")
# More names than this make a sentence that nobody reads; all of them stand in the list beside it.
NAMED_IN_THE_SENTENCE = 12


class NoticeChanged(Exception):
    """Another wording, or another list of companies, than the one that was read."""


@dataclass(frozen=True)
class Company:
    """One that would receive the location. `role`: "between", "service" or "recipient"."""

    uri: str
    name: str
    role: str


@dataclass(frozen=True)
class DisplayedNotice:
    """A notice as it is shown: `body` is the filled-in text, `companies` everybody it is about.

    `last_until`: the end that it names, beyond which no yes given on it counts; None: it is about a no.
    """

    use: str
    language: str
    version: int
    body: str
    companies: tuple[Company, ...]
    last_until: datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the JSON array `[language, body, [[uri, name, role], …]]`, UTF-8 without spaces."""
        named = [[one.uri, one.name, one.role] for one in self.companies]
        return hashlib.sha256(msgspec.json.encode([self.language, self.body, named])).hexdigest()

    @property
    def recipients(self) -> list[str]:
        """The names of those to whom the company may hand the location on."""
        return [one.name for one in self.companies if one.role == "recipient"]

    def read_as(self, digest: str) -> "DisplayedNotice":
        """Return this notice, if it is the one that was read. Raises NoticeChanged."""
        if digest != self.digest:
            raise NoticeChanged
        return self


def build_approval_notice(
    *, campaign: str, use: str = NoticeText.Use.ALLOW, until: datetime | None = None
) -> DisplayedNotice:
    """Build the notice before a yes (`allow`, or `ask` for a company's question), in the active language and zone.

    `until`: when the yes would end by itself; None: the person chooses, at most until the agreements end.
    Raises Campaign.DoesNotExist.
    """
    asked = Campaign.objects.select_related("contract__aggregator", "lbs_provider").get(ref=campaign)
    companies = companies_of(campaign=asked)
    agreed = min(asked.ends_at, asked.contract.ends_at)
    last = min(until, agreed) if until else agreed
    notice = _fill_notice(use, companies, _words_for(asked, companies, last, fixed=until is not None))
    return replace(notice, last_until=last)


def build_stop_notice() -> DisplayedNotice:
    """Return the notice before stopping, in the active language.

    It names no company: a stop is for those to come as well.
    """
    return _fill_notice(NoticeText.Use.STOP, (), {})


def fill_sample(*, use: str, body: str, campaign: Campaign) -> str:
    """Fill a wording, published or not, as people would read it of a campaign, in the active language and zone."""
    last = min(campaign.ends_at, campaign.contract.ends_at)
    words = _words_for(campaign, companies_of(campaign=campaign), last, fixed=use == NoticeText.Use.ASK)
    return _fill_places(body, words)


def companies_of(*, campaign: Campaign) -> tuple[Company, ...]:
    """Everybody known to receive the location by this campaign: in between, the service, and behind it by name."""
    service, between = campaign.lbs_provider, campaign.contract.aggregator
    reach = Reach.objects.filter(campaign=campaign).exclude(party__in=(service, between)).select_related("party")
    behind = sorted(
        (Company(one.party.uri, party_name(one.party.name, one.party.uri), "recipient") for one in reach),
        key=lambda one: (one.name.casefold(), one.uri),
    )
    return (
        Company(service.uri, party_name(service.name, service.uri), "service"),
        Company(between.uri, party_name(between.name, between.uri), "between"),
        *behind,
    )


def refuse_outdated(*, notice: DisplayedNotice, campaign: Campaign) -> None:
    """Raise NoticeChanged where the list that was read is not the list of now. Call in the choice's transaction."""
    if [one.uri for one in notice.companies] != [one.uri for one in companies_of(campaign=campaign)]:
        raise NoticeChanged


def store_notice(*, notice: DisplayedNotice, at: datetime) -> str:
    """Keep a notice word for word, once. Returns its digest."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [notice.digest])
        if cursor.fetchone():
            return notice.digest
    Notice.objects.get_or_create(
        digest=notice.digest,
        defaults={
            "use": notice.use,
            "language": notice.language,
            "version": notice.version,
            "body": notice.body,
            "companies": [asdict(one) for one in notice.companies],
            "first_shown_at": at,
        },
    )
    return notice.digest


def _fill_notice(use: str, companies: tuple[Company, ...], words: Mapping[str, str]) -> DisplayedNotice:
    text = _newest(use)
    return DisplayedNotice(use, text.language, text.version, _fill_places(text.body, words), companies)


def _fill_places(body: str, words: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: words.get(found[1], ""), body)


def _words_for(campaign: Campaign, companies: Sequence[Company], last: datetime, *, fixed: bool) -> dict[str, str]:
    """Word what a notice's places stand for. `fixed`: the yes ends at `last` by itself; else the person chooses."""
    return {
        "companies": _names(companies),
        "purpose": purpose_in_words(campaign.purpose),
        "precision": precision_in_words(campaign.precision_m),
        "until": _format_moment(last) if fixed else _format_chosen_day(last),
    }


def _newest(use: str) -> NoticeText:
    """The newest wording in the active language, else in our own: each use has one from the first day on."""
    languages = [translation.get_language() or settings.LANGUAGE_CODE, settings.LANGUAGE_CODE]
    for found in NoticeText.objects.raw(NEWEST, {"use": use, "languages": languages}):
        return found
    raise NoticeText.DoesNotExist(use)


def _names(companies: Sequence[Company]) -> str:
    named = [one.name for one in companies[:NAMED_IN_THE_SENTENCE]]
    more = len(companies) - len(named)
    if more:
        more_of_them = ngettext("%(n)s more company", "%(n)s more companies", more) % {"n": more}
        named.append(more_of_them)
    return gettext("%(some)s and %(last)s") % {"some": join_words(named[:-1]), "last": named[-1]}


def _format_chosen_day(last: datetime) -> str:
    return gettext("the day you choose, but no later than %(day)s") % {"day": _day(last)}


def _format_moment(moment: datetime) -> str:
    """A day alone would let a yes last longer than it says, for whoever reads it in another zone."""
    there = localtime(moment)
    zone = name_of(there.tzinfo) if isinstance(there.tzinfo, ZoneInfo) else str(there.tzinfo)
    return f"{formatted(there, pgettext('day and time', 'M j, Y, g:i A'))} ({zone})"


def _day(moment: datetime) -> str:
    return formatted(localtime(moment), pgettext("day", "M j, Y"))


# Scope and ref, as a choice has them.
type Scope = tuple[str, str]


@dataclass(frozen=True)
class Coverage:
    """Whom a stop of one scope would take the location from now, and which partners would be sent it. By name."""

    companies: tuple[str, ...]
    partners: tuple[str, ...]


@dataclass(frozen=True)
class EndedUse:
    """A use that was allowed until a stop or pause. `until`: when that would have ended; None: it had no end.

    `allowed_by`: the id of the choice that allows it again, "" while none does.
    """

    use: Use
    until: datetime | None
    allowed_by: str


def preview_stops(*, line_id: int, standing: Sharing, scopes: Collection[Scope]) -> dict[Scope, Coverage]:
    """Preview what stops of these scopes would do: the gate's own keys say whom they block, the orders' who is told.

    Two queries, whatever their number; one more where a company says for whom it asks.
    """
    asked = list(dict.fromkeys(scopes))
    told = snapshots.affected_by_each(nos=[(line_id, *scope) for scope in asked])
    partners = _name_partners({pk for contract_ids in told for pk in contract_ids})
    recipients = names_of(uris={uri for _, uri in standing.by_recipient})
    return {
        scope: Coverage(
            _sort_names(_list_blocked(standing, scope, recipients)), _sort_names(partners[pk] for pk in contract_ids)
        )
        for scope, contract_ids in zip(asked, told, strict=True)
    }


def _list_blocked(standing: Sharing, scope: Scope, recipients: Mapping[str, str]) -> list[str]:
    """Name who can get the location now, and could not after this stop; a recipient alone where it spares the rest."""
    key = ":".join(part for part in scope if part)
    whole, alone = _list_open(standing.uses, key), _list_open(standing.by_recipient, key)
    return [use.provider_name for use in whole.values()] + [recipients[uri] for ref, uri in alone if ref not in whole]


def _list_open[K](uses: Mapping[K, Use], key: str) -> dict[K, Use]:
    return {which: use for which, use in uses.items() if use.is_open_to(key)}


def list_covered_uses(*, standing: Sharing, scope: Scope) -> list[Use]:
    """List the uses that a stop or pause of this scope covers, by the name of the company.

    A use that it covers only for one recipient is among them, as the gate answers it for that one.
    """
    key = ":".join(part for part in scope if part)
    found = {ref: use for (ref, _), use in standing.by_recipient.items() if key in use.keys}
    found |= {ref: use for ref, use in standing.uses.items() if key in use.keys}
    return sorted(found.values(), key=lambda use: (use.provider_name, use.why))


def list_ended_uses(*, choice: ChoiceRow, standing: Sharing) -> list[EndedUse]:
    """List what a stop or pause ended: the uses it covers to which the ledger says yes just before it, paused or not.

    What a file or we ourselves said is not the reader's own to regret.
    """
    if choice.kind == Choice.Kind.ALLOW or choice.by in {"file", "us"}:
        return []
    covered = list_covered_uses(standing=standing, scope=(choice.scope, choice.ref))
    before = choice.made_at - MICROSECOND
    asked = [
        PermissionQuestion(
            choice.line_id, use.campaign, use.parties, use.purpose, use.scope, WIDEST_M, before, choice.made_at
        )
        for use in covered
    ]
    answers = answers_at(asked=asked) if asked else []
    since = _get_number_change(choice.line_id, before)
    return [
        _build_ended_use(use, choice.made_at, _list_valid_proofs(use, before, since))
        for use, answer in zip(covered, answers, strict=True)
        if _was_agreed(use, answer, before, since)
    ]


def _was_agreed(use: Use, answer: str, at: datetime, since: datetime) -> bool:
    """Whether the ledger said yes, or would have but for a pause."""
    return answer == "permitted" or (answer == "paused" and bool(_list_valid_proofs(use, at, since)))


def _list_valid_proofs(use: Use, at: datetime, since: datetime) -> list[Proof]:
    """List what had been agreed and stood at a moment, the newest first. `since`: when the line got its number."""
    return [one for one in use.proofs if one.was_valid_at(at) and one.is_newer_than(since)]


def _get_number_change(line_id: int, at: datetime) -> datetime:
    """Return since when the line had the number that it had then: what was agreed before ended, whatever came since."""
    changed = LineNumber.objects.filter(line_id=line_id, starts_at__gt=F("line__activated_at"), starts_at__lte=at)
    newest: datetime | None = changed.aggregate(at=Max("starts_at"))["at"]
    return newest - MICROSECOND if newest else EPOCH


def _build_ended_use(use: Use, at: datetime, proofs: Sequence[Proof]) -> EndedUse:
    """Build what a choice ended. `proofs`: what was valid just before."""
    until = proofs[0].expires_at if proofs else None
    newer = (one.choice_id for one in use.proofs if one.counts and one.by_person and one.is_newer_than(at))
    return EndedUse(use, until, next(newer, "") if use.allowed else "")


def _name_partners(contract_ids: Collection[int]) -> Mapping[int, str]:
    found = Contract.objects.filter(pk__in=contract_ids).select_related("aggregator") if contract_ids else ()
    return {one.pk: party_name(one.aggregator.name, one.aggregator.uri) for one in found}


def _sort_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=str.casefold))
