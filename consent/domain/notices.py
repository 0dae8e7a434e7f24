"""What a person reads before they choose: the officers' newest wording, filled from who would receive it now.

A notice is kept word for word with the choice it came before, under its digest. A list that grew between reading and
answering makes another digest, and the answer given to the older one does not count.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext, pgettext

from accounts.domain.message_templates import join_words
from consent.models import Notice
from partners.labels import party_name, precision_in_words, purpose_in_words
from partners.models import Campaign, NoticeText, Reach

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
    """A notice as it is shown: `body` is the filled-in text, `companies` everybody it is about."""

    use: str
    language: str
    version: int
    body: str
    companies: tuple[Company, ...]

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
    last = min(asked.ends_at, asked.contract.ends_at)
    return _fill_notice(
        use,
        companies,
        {
            "companies": _names(companies),
            "purpose": purpose_in_words(asked.purpose),
            "precision": precision_in_words(asked.precision_m),
            "until": _day(min(until, last)) if until else _format_chosen_day(last),
        },
    )


def build_stop_notice() -> DisplayedNotice:
    """Return the notice before stopping, in the active language.

    It names no company: a stop is for those to come as well.
    """
    return _fill_notice(NoticeText.Use.STOP, (), {})


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


def _fill_notice(use: str, companies: tuple[Company, ...], words: dict[str, str]) -> DisplayedNotice:
    text = _newest(use)
    body = PLACE.sub(lambda found: words.get(found[1], ""), text.body)
    return DisplayedNotice(use, text.language, text.version, body, companies)


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


def _day(moment: datetime) -> str:
    return formatted(localtime(moment), pgettext("day", "M j, Y"))
