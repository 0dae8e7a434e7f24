"""A company's card in words: its tags, what stands now, the proof it has, and how its contract ended."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.sentences import (
    Tag,
    comma,
    ending_with,
    full_stop,
    join_sentences,
    join_words,
    on_day,
    sentence,
    when,
)
from consent.labels import method_in_words
from consent.models import Origin
from consent.queries.choice_words import Author
from consent.queries.current_consent_uses import Proof
from consent.queries.order_words import list_unsigned
from consent.queries.termination import EndedAgreement
from disclosures.queries.company_cards import CompanyCard

AFTER_STOP: Final = Tag("bad", gettext_lazy("Looked up after your stop"), "alert")
NO_RECORD: Final = Tag("bad", gettext_lazy("No record that you agreed"), "alert")
BY_RECORD: Final = Tag("plain", gettext_lazy("Stopped by an earlier record"), "stop")
BY_US: Final = Tag("warn", gettext_lazy("We suspended it for you"), "stop")
STOPPED: Final = Tag("plain", gettext_lazy("You stopped it"), "stop")
PAUSED: Final = Tag("plain", gettext_lazy("Paused"), "pause")
ASKING_WHY: Final = Tag("warn", gettext_lazy("We are asking why"), "alert")
OUTSIDE: Final = Tag("plain", gettext_lazy("Outside your choices"))
REFUSED: Final = Tag("good", gettext_lazy("Refused"), "check")
CLAIMED: Final = Tag("warn", gettext_lazy("Only the company's word"), "alert")
AGREED: Final = Tag("good", gettext_lazy("You agreed"), "check")
SOME_NOT_ALLOWED: Final = Tag("warn", gettext_lazy("Some look-ups you did not allow"), "alert")
ENDED: Final = Tag("warn", gettext_lazy("Your consent has ended"), "clock")
SUSPENDED: Final = Tag("warn", gettext_lazy("We suspended this partner"), "pause")

# The first that holds is said: what looks worst, then what stands now, then why it may ask.
TAGS: Final[tuple[tuple[Callable[[CompanyCard], object], Tag], ...]] = (
    (lambda card: card.after_stop and card.recent, AFTER_STOP),
    (lambda card: card.no_record, NO_RECORD),
    (lambda card: card.stopped_at and card.by_record, BY_RECORD),
    (lambda card: card.stopped_at and card.by_us, BY_US),
    (lambda card: card.stopped_at, STOPPED),
    (lambda card: card.paused_until, PAUSED),
    (lambda card: not card.uses and card.outside.all_doubtful, ASKING_WHY),
    (lambda card: not card.uses and card.outside.n, OUTSIDE),
    (lambda card: not card.uses, REFUSED),
    (lambda card: card.proof.kind == "claimed", CLAIMED),
    (lambda card: card.is_allowed or card.proof.counts, AGREED),
    (lambda card: card.proof.kind == "none", NO_RECORD),
)
# What is said besides the first.
SECOND: Final[tuple[tuple[Tag, Callable[[CompanyCard], object], Tag], ...]] = (
    (NO_RECORD, lambda card: card.no_record and card.is_stopped_by_person, STOPPED),
    (NO_RECORD, lambda card: card.no_record and not card.is_stopped_by_person and card.paused_until, PAUSED),
    (AGREED, lambda card: card.recent_not_allowed, SOME_NOT_ALLOWED),
)
STOPPED_BY: Final[Mapping[Author, Tag]] = {
    "holder": Tag("plain", gettext_lazy("The account holder stopped it"), "stop"),
    "user": Tag("plain", gettext_lazy("The person who uses this phone stopped it"), "stop"),
    "delegate": Tag("plain", gettext_lazy("A trusted helper stopped it"), "stop"),
    "agent": Tag("plain", gettext_lazy("A support agent stopped it"), "stop"),
}
ALLOWED_BY: Final[Mapping[Author, Promise]] = {
    "holder": gettext_lazy("The account holder allowed it here"),
    "user": gettext_lazy("The person who uses this phone allowed it here"),
}
YOU_ALLOWED: Final = gettext_lazy("You allowed it here")


def card_tags(*, card: CompanyCard, author: Author = "you") -> Iterator[Tag]:
    """Say of a company in a word or two how it stands, the gravest first. `author`: who stopped it."""
    yield from (_name_author(tag, author) for tag in _find_tags(card))
    if card.is_suspended and not card.is_allowed:
        yield SUSPENDED


def _find_tags(card: CompanyCard) -> list[Tag]:
    first = next((tag for holds, tag in TAGS if holds(card)), ENDED)
    return [first, *(tag for said, holds, tag in SECOND if said is first and holds(card))]


def _name_author(tag: Tag, author: Author) -> Tag:
    return STOPPED_BY.get(author, tag) if tag is STOPPED else tag


def card_now(*, card: CompanyCard) -> SafeString:
    """Say whether the company is allowed or blocked now, since when, and by whose word."""
    return join_sentences([_standing(card), *_besides(card)])


def _standing(card: CompanyCard) -> SafeString:
    if card.stopped_at:
        return _refusal_words(card, card.block_start or card.stopped_at)
    if card.paused_until and card.denied_since:
        span = format_html("{} {} {}", when(card.denied_since), _("until"), when(card.paused_until))
        return ending_with(_("Blocked from"), span)
    if not card.is_allowed:
        return _blocked_words(card)
    if not card.gate_is_open:
        return sentence(_("Blocked for now, while we check our records. After that, it will be allowed again."))
    if not card.not_for:
        return sentence(_("Allowed."))
    but = sentence(_("Blocked when it asks for <bdi>%(names)s</bdi>."), names=join_words(card.not_for))
    return join_sentences([sentence(_("Allowed.")), but])


def _blocked_words(card: CompanyCard) -> SafeString:
    """Say since when, where that is known, and that it may hold what it got."""
    since = card.block_start
    if since is None:
        return sentence(_("Blocked. It may still hold what it got before.") if card.got_it else _("It is blocked."))
    kept = [sentence(_("It may still hold what it got before."))] if card.got_it else []
    return join_sentences([_refusal_words(card, since), *kept])


def _refusal_words(card: CompanyCard, since: datetime) -> SafeString:
    by_its_last = since == card.last_at
    return ending_with(_("Blocked since its last look-up on") if by_its_last else _("Blocked since"), when(since))


def _besides(card: CompanyCard) -> Iterator[SafeString]:
    if card.by_record:
        yield sentence(
            _(
                "This comes from an imported record, and a newer record can change it. If you stop it yourself, no"
                " record can change that."
            )
        )
    if card.by_us:
        yield sentence(_("We did this ourselves because of what our records show. Our staff can't undo it."))
    if card.is_suspended and not card.is_allowed:
        yield sentence(
            _(
                "We have suspended this company, or one that it goes through. Until we lift the suspension, it stays "
                "blocked, with or without consent."
            )
        )


def proof_words(*, proof: Proof, author: Author) -> SafeString:
    """Say what speaks for an agreement, or that nothing does.

    `author`: who allowed it, where somebody did here. Raises ValueError where something does, and nobody knows when.
    """
    if proof.kind == "none":
        return format_html('<strong class="bad-word">{}</strong>', _("No record that you agreed."))
    if proof.at is None:
        raise ValueError(f"a proof of kind {proof.kind} without its moment")
    on = on_day(proof.at)
    if proof.kind == "claimed":
        claimed = _("Only the company says you agreed")
        told = format_html(
            '<strong class="warn-word">{}</strong>{}{} {}', claimed, comma(), method_in_words(proof.method), on
        )
        never = sentence(_("You never confirmed this to us, so we don't accept it."))
        return join_sentences([format_html("{}{}", told, full_stop()), never])
    if proof.kept_stop:
        told = ending_with(_("A record says you agreed"), format_html("{} {}", method_in_words(proof.method), on))
        return join_sentences([told, sentence(_("Your stop still applies."))])
    if proof.kind == "agreed":
        told = ending_with(_("You agreed"), format_html("{} {}", method_in_words(proof.method), on))
    elif proof.verified_by == Origin.FILE:
        told = ending_with(_("An imported record says that you allowed it"), on)
    else:
        told = ending_with(ALLOWED_BY.get(author, YOU_ALLOWED), on)
    return join_sentences([told, *_end_of(proof)])


def _end_of(proof: Proof) -> Iterator[SafeString]:
    if proof.ended:
        yield sentence(_("This has ended."))
    elif proof.expires_at:
        yield ending_with(_("It ends"), on_day(proof.expires_at))


def ended_words(*, ended: EndedAgreement) -> SafeString:
    """Say which contract or use ended, when, and whether the partner has signed that it deleted."""
    told = sentence(_how_it_ended(ended), name=ended.company, use=ended.use)
    late = [sentence(_("That date has passed. Our privacy office is following up."))] if ended.overdue else []
    return join_sentences([ending_with(told, on_day(ended.ended_at)), *_deletion_of(ended), *late])


def _how_it_ended(ended: EndedAgreement) -> str:
    if ended.use and ended.by_term:
        return _("The approved time for <bdi>%(use)s</bdi> through <bdi>%(name)s</bdi> ended")
    if ended.by_term:
        return _("Our contract with <bdi>%(name)s</bdi> ended")
    if ended.use:
        return _("We ended the access of <bdi>%(use)s</bdi> through <bdi>%(name)s</bdi>")
    return _("We ended our contract with <bdi>%(name)s</bdi>")


def _deletion_of(ended: EndedAgreement) -> Iterator[SafeString]:
    if ended.state == "signed":
        yield _on_the_day(ended, _("<bdi>%(name)s</bdi> signed that it deleted your data"))
        return
    if ended.state == "partial":
        yield _on_the_day(
            ended, _("<bdi>%(name)s</bdi> signed that it deleted data, but we do not have every signature we need")
        )
        if not ended.coverage.whole:
            yield list_unsigned(coverage=ended.coverage)
    elif ended.state == "contradicted":
        continued = _("<bdi>%(party)s</bdi> signed, but continued afterward. We opened a case.")
        yield sentence(continued, party=ended.company)
    must = sentence(_("<bdi>%(name)s</bdi> must delete your data by"), name=ended.company)
    yield ending_with(must, when(ended.delete_by, "day"))


def _on_the_day(ended: EndedAgreement, signed: str) -> SafeString:
    told, day = sentence(signed, name=ended.company), when(ended.signed_at, "day") if ended.signed_at else ""
    return format_html("{} ({}){}", told, day, full_stop())
