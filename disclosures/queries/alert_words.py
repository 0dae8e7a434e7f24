"""What does not look right of one line, in words: what a company did, and where it stands now."""

from collections.abc import Iterator, Mapping
from typing import Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.domain.sentences import ending_with, full_stop, join_sentences, on_day, sentence, when
from consent.queries.choice_words import Author
from disclosures.models import AnomalyRule
from disclosures.queries.card_words import STOPPED_BY
from disclosures.queries.line_alerts import LineAlert, Now

Kind = AnomalyRule.Kind
STANDS: Final[Mapping[Now, Promise]] = {
    Now.SUSPENDED: gettext_lazy("We have suspended this company for your line."),
    Now.STOPPED: gettext_lazy("You stopped it."),
    Now.DENIED: gettext_lazy("It is blocked."),
    Now.ALLOWED: gettext_lazy("A newer record says that you agreed, so it is allowed now."),
    Now.PARTLY: gettext_lazy("It is blocked, except for what our records say you agreed to."),
}


def alert_words(*, alert: LineAlert, author: Author) -> SafeString:
    """Say what the company did, and of what the person did not allow, what stands now. `author`: who stopped it."""
    return join_sentences([_incident_sentence(alert), *(_standing(alert, author) if alert.not_allowed else ())])


def _incident_sentence(alert: LineAlert) -> SafeString:
    match alert.kind:
        case Kind.AFTER_STOP:
            return _fill(
                ngettext("%(shown)s look-up after you said stop.", "%(shown)s look-ups after you said stop.", alert.n),
                alert,
            )
        case Kind.NO_APPROVAL:
            return join_sentences(_without_record(alert))
        case Kind.SUSPENDED:
            return _fill(
                ngettext(
                    "%(shown)s look-up after we suspended it.", "%(shown)s look-ups after we suspended it.", alert.n
                ),
                alert,
            )
        case Kind.NIGHT:
            return _fill(
                ngettext(
                    "Look-ups on %(shown)s of %(days)s nights, between 10 PM and 6 AM.",
                    "Look-ups on %(shown)s of %(days)s nights, between 10 PM and 6 AM.",
                    alert.n,
                ),
                alert,
            )
        case _:
            return ending_with(_rate_sentence(alert), on_day(alert.first_at))


def _without_record(alert: LineAlert) -> Iterator[SafeString]:
    message = ngettext(
        "%(shown)s look-up with no record that you agreed.",
        "%(shown)s look-ups with no record that you agreed.",
        alert.n,
    )
    yield _fill(message, alert)
    if alert.claimed:
        claimed = _("For %(shown)s of them, it said only later that you had agreed.")
        yield sentence(claimed, shown=intcomma(alert.claimed))


def _rate_sentence(alert: LineAlert) -> SafeString:
    if alert.kind == Kind.BURST:
        message = ngettext(
            "%(shown)s look-ups within %(minutes)s minute,", "%(shown)s look-ups within %(minutes)s minutes,",
            alert.window,
        )  # fmt: skip
        return sentence(message, shown=intcomma(alert.n), minutes=intcomma(alert.window))
    message = ngettext(
        "For %(days)s days, no company made a look-up based on your consent. Then this one made %(shown)s within a"
        " day,",
        "For %(days)s days, no company made a look-up based on your consent. Then this one made %(shown)s within a"
        " day,",
        alert.n,
    )
    return _fill(message, alert)


def _fill(message: str, alert: LineAlert) -> SafeString:
    return sentence(message, shown=intcomma(alert.n), days=intcomma(alert.window))


def _standing(alert: LineAlert, author: Author) -> Iterator[SafeString]:
    if alert.now == Now.STOPPED and author in STOPPED_BY:
        yield format_html("{}{}", STOPPED_BY[author].text, full_stop())
    elif alert.now in STANDS and not (alert.now == Now.DENIED and alert.blocked_since):
        yield sentence(STANDS[alert.now])
    if alert.blocked_since:
        yield ending_with(_("Blocked since"), when(alert.blocked_since, "day"))
    if alert.suspended_on:
        suspend = _("If we get no explanation, we will suspend this company for your line on")
        yield ending_with(suspend, when(alert.suspended_on, "day"))
