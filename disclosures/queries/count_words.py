"""How often, in words: what came to a company, what needs no consent, what a part of the history holds."""

from collections.abc import Iterable, Iterator

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.domain.sentences import comma, ending_with, join_sentences, join_words, sentence, when
from disclosures.queries.history_days import HistoryTally
from disclosures.queries.judgement_counts import Involvement, OutsideAgreements, Tally


def involvement_words(*, got: Involvement) -> SafeString:
    """Say how often a company got the location in one way, when last, and how often it was refused."""
    refused = [_fill(_refused_message(got), got.refused)] if got.refused else []
    return join_sentences([*_received_sentences(got), *refused])


def _received_sentences(got: Involvement) -> Iterator[SafeString]:
    if not got.n or got.last_at is None:
        yield sentence(_("Nothing based on your consent.") if got.outside.n else _("Nothing yet."))
        return
    yield _fill(_received_message(got), got.n)
    if got.n > 1:
        recent = ngettext(
            "%(shown)s of them was in the last 30 days.", "%(shown)s of them were in the last 30 days.", got.recent
        )
        yield _fill(recent, got.recent)
    yield ending_with(_("Last on"), when(got.last_at))


def _received_message(got: Involvement) -> str:
    match got.how:
        case "itself":
            return ngettext(
                "It got this phone's location %(shown)s time.", "It got this phone's location %(shown)s times.", got.n
            )
        case "through":
            return ngettext(
                "Other companies got this phone's location through it %(shown)s time.",
                "Other companies got this phone's location through it %(shown)s times.",
                got.n,
            )
        case "to":
            return ngettext(
                "Other companies got this phone's location and passed it on to this one %(shown)s time.",
                "Other companies got this phone's location and passed it on to this one %(shown)s times.",
                got.n,
            )


def _refused_message(got: Involvement) -> str:
    match got.how:
        case "itself":
            return ngettext(
                "It asked %(shown)s time and was refused.", "It asked %(shown)s times and was refused.", got.refused
            )
        case "through":
            return ngettext(
                "Other companies asked through it %(shown)s time and were refused.",
                "Other companies asked through it %(shown)s times and were refused.",
                got.refused,
            )
        case "to":
            return ngettext(
                "Other companies asked on its behalf %(shown)s time and were refused.",
                "Other companies asked on its behalf %(shown)s times and were refused.",
                got.refused,
            )


def outside_words(*, outside: OutsideAgreements) -> SafeString:
    """Say what a company got without an agreement ever being asked for; "" where that is nothing."""
    return join_sentences(_outside(outside)) if outside.n else SafeString()


def _outside(outside: OutsideAgreements) -> Iterator[SafeString]:
    if outside.recent:
        yield ending_with(_("Outside your choices, in the last 30 days:"), tally_list(tallies=outside.recent))
    if outside.before:
        yield ending_with(_("Outside your choices, more than 30 days ago:"), tally_list(tallies=outside.before))
    if outside.last_at:
        yield ending_with(_("Last on"), when(outside.last_at))
    if outside.all_doubtful:
        yield doubtful_words(n=outside.all_doubtful)
    yield sentence(_("A stop doesn't affect these."))


def tally_list(*, tallies: Iterable[Tally]) -> SafeString:
    """List what there was and how often: "emergency call (1), running the network (2)"."""
    return sentence("%(all)s", all=join_words(f"{one.words.lower()} ({intcomma(one.n)})" for one in tallies))


def doubtful_words(*, n: int) -> SafeString:
    """Say how many look-ups were reported on a ground that is not believed."""
    message = ngettext(
        "%(shown)s look-up was reported as one for an emergency or the network, but went to a company that sells"
        " look-ups. We are asking why.",
        "%(shown)s look-ups were reported as ones for an emergency or the network, but went to companies that sell"
        " look-ups. We are asking why.",
        n,
    )
    return _fill(message, n)


def recency_words(*, n: int, recent: int) -> SafeString:
    """Say how often, of late or in all: "3 times in the last 30 days"."""
    if recent:
        message = ngettext("%(shown)s time in the last 30 days", "%(shown)s times in the last 30 days", recent)
        return _fill(message, recent)
    message = ngettext("%(shown)s time, none in the last 30 days", "%(shown)s times, none in the last 30 days", n)
    return _fill(message, n)


def tally_words(*, tally: HistoryTally) -> SafeString:
    """Say how much of each sort there is, in part of a sentence: "3 look-ups, 1 refused request"."""
    return format_html_join(comma(), "{}", ((one,) for one in _sorts(tally)))


def _sorts(tally: HistoryTally) -> Iterator[SafeString]:
    if tally.looked_up or not (tally.refused or tally.outside):
        yield _fill(ngettext("%(shown)s look-up", "%(shown)s look-ups", tally.looked_up), tally.looked_up)
        if tally.not_allowed:
            not_allowed = _fill(_("%(shown)s you did not allow"), tally.not_allowed)
            yield format_html('<strong class="bad-word">{}</strong>', not_allowed)
    if tally.refused:
        refused = ngettext("%(shown)s refused request", "%(shown)s refused requests", tally.refused)
        yield _fill(refused, tally.refused)
    if tally.outside:
        outside = ngettext(
            "%(shown)s look-up that needs no consent", "%(shown)s look-ups that need no consent", tally.outside
        )
        yield _fill(outside, tally.outside)


def _fill(message: str, n: int) -> SafeString:
    return sentence(message, shown=intcomma(n))
