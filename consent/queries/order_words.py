"""Orders in words: how far a partner is, in no more words than are known."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.domain.sentences import Tag, ending_with, join_sentences, join_words, sentence, when
from consent.queries.progress import OrderState, Progress, Step
from revocations.models import State
from revocations.queries.coverage import Coverage

RECEIVED: Final = Tag("good", gettext_lazy("Received"), "check")
REPLACED: Final = Tag("plain", gettext_lazy("Replaced"))
LATE: Final = Tag("bad", gettext_lazy("Late"), "clock")
UNCONFIRMED: Final = Tag("warn", gettext_lazy("Not yet confirmed"), "clock")
TAGS: Final[Mapping[str, Tag]] = {
    State.QUEUED: Tag("plain", gettext_lazy("Waiting to send"), "clock"),
    State.SENT: Tag("plain", gettext_lazy("Sent, no answer yet"), "clock"),
    State.ACKNOWLEDGED: Tag("warn", gettext_lazy("Received, not yet signed"), "clock"),
    State.COMPLETED: Tag("good", gettext_lazy("Signed: stopped"), "check"),
    State.PARTIAL: Tag("warn", gettext_lazy("Signed in part"), "clock"),
    State.PARKED: Tag("warn", gettext_lazy("On hold"), "pause"),
    State.REJECTED: Tag("bad", gettext_lazy("Refused"), "alert"),
    State.CONTRADICTED: Tag("bad", gettext_lazy("Continued after signing"), "alert"),
    State.SUPERSEDED: REPLACED,
}
DELETION_TAGS: Final[Mapping[str, Tag]] = {
    **TAGS,
    State.ACKNOWLEDGED: Tag("warn", gettext_lazy("Received, deletion not yet signed"), "clock"),
    State.COMPLETED: Tag("good", gettext_lazy("Signed: deleted"), "check"),
}
# Of an order signed in part `signed_in_part` says who has not.
SENTENCES: Final[Mapping[str, Promise]] = {
    State.QUEUED: gettext_lazy("Our message to <bdi>%(party)s</bdi> is waiting to be sent."),
    State.SENT: gettext_lazy("We sent our message to <bdi>%(party)s</bdi>. It has not answered yet."),
    State.ACKNOWLEDGED: gettext_lazy("<bdi>%(party)s</bdi> received our message."),
    State.COMPLETED: gettext_lazy("<bdi>%(party)s</bdi> signed that it stopped using your data."),
    State.PARKED: gettext_lazy("Our message to <bdi>%(party)s</bdi> is on hold. We are looking into it."),
    State.REJECTED: gettext_lazy("<bdi>%(party)s</bdi> refused our message. We are looking into it."),
    State.CONTRADICTED: gettext_lazy("<bdi>%(party)s</bdi> signed, but continued afterward. We opened a case."),
    State.SUPERSEDED: gettext_lazy("A newer message replaced this one."),
}
STOP_SENTENCES: Final[Mapping[str, Promise]] = {
    **SENTENCES,
    State.ACKNOWLEDGED: gettext_lazy(
        "<bdi>%(party)s</bdi> received our message. It has not yet signed that it stopped using your data."
    ),
}
DELETION_SENTENCES: Final[Mapping[str, Promise]] = {
    **SENTENCES,
    State.ACKNOWLEDGED: gettext_lazy(
        "<bdi>%(party)s</bdi> received our message. It has not yet signed that it deleted your data."
    ),
    State.COMPLETED: gettext_lazy("<bdi>%(party)s</bdi> signed that it deleted your data."),
}
# Where it is to delete the data of some companies alone.
SCOPED_DELETION_SENTENCES: Final[Mapping[str, Promise]] = {
    **DELETION_SENTENCES,
    State.COMPLETED: gettext_lazy("<bdi>%(party)s</bdi> signed that it deleted the data your stop covers."),
}
UNCONFIRMED_YET: Final = gettext_lazy(
    "<bdi>%(party)s</bdi> has <strong>not yet confirmed</strong> our message. We keep trying."
)


def order_tag(*, progress: Progress, undone: bool) -> Tag:
    """Say in a word or two where the order stands. `undone`: its choice no longer stands."""
    order = progress.shown
    if progress.is_replaced and undone:
        return REPLACED
    if progress.is_received and not order.owes and order.state != State.REJECTED:
        return RECEIVED
    return _state_tag(order)


def _state_tag(order: OrderState) -> Tag:
    if order.overdue and order.owes:
        return LATE
    if order.unconfirmed:
        return UNCONFIRMED
    return (DELETION_TAGS if order.owes_deletion else TAGS)[order.state]


def order_sentence(*, order: OrderState, party: str) -> SafeString:
    """Say where an order stands at a partner of this name, and where it waits for it for too long, that too."""
    told = _state_sentence(order, party)
    if order.overdue and order.owes and order.state in {State.QUEUED, State.SENT, State.ACKNOWLEDGED}:
        late = sentence(_("<bdi>%(party)s</bdi> is late to sign."), party=party)
        return join_sentences([told, late, sentence(_("Our privacy office is following up."))])
    return told


def _state_sentence(order: OrderState, party: str) -> SafeString:
    if order.state == State.PARTIAL and not order.unconfirmed:
        return signed_in_part(party=party, coverage=order.coverage)
    message = UNCONFIRMED_YET if order.unconfirmed else _sentences_for(order)[order.state]
    return sentence(message, party=party)


def _sentences_for(order: OrderState) -> Mapping[str, Promise]:
    if order.owes_deletion:
        return SCOPED_DELETION_SENTENCES if order.only_about else DELETION_SENTENCES
    return STOP_SENTENCES if order.owes else SENTENCES


def signed_in_part(*, party: str, coverage: Coverage) -> SafeString:
    """Say that a partner of this name signed, and who behind it has not."""
    told = sentence(_("<bdi>%(party)s</bdi> signed for part of it."), party=party)
    return join_sentences([told, list_unsigned(coverage=coverage)])


def list_unsigned(*, coverage: Coverage) -> SafeString:
    """Name who behind a partner has not signed."""
    told: list[SafeString] = []
    if coverage.missing:
        message = ngettext(
            "%(n)s company that gets data from it has not signed: <bdi>%(names)s</bdi>.",
            "%(n)s companies that get data from it have not signed: <bdi>%(names)s</bdi>.",
            len(coverage.missing),
        )
        told.append(sentence(message, n=len(coverage.missing), names=join_words(coverage.missing_names)))
    if coverage.unnamed:
        told.append(sentence(_("There is one company we can't name.")))
    if coverage.whole:
        told.append(sentence(_("It did not sign for everything we asked.")))
    return join_sentences(told)


def signed_claim(*, progress: Progress) -> SafeString:
    """Say what the partner has signed, or has yet to sign, with how many behind it have too."""
    order, signed = progress.shown, progress.shown.coverage.signed
    if order.state == State.REJECTED:
        return sentence(_("Refused"))
    if order.state not in {State.COMPLETED, State.CONTRADICTED, State.PARTIAL}:
        return sentence(_unsigned_message(progress), names=join_words(progress.only_about))
    told = sentence(_signed_message(progress), party=progress.party, names=join_words(progress.only_about))
    if not signed:
        return told
    message = ngettext(
        ", and so did %(n)s company that gets data from it", ", and so did %(n)s companies that get data from it",
        len(signed),
    )  # fmt: skip
    return format_html("{}{}", told, sentence(message, n=len(signed)))


def _signed_message(progress: Progress) -> str:
    if not progress.shown.owes_deletion:
        return _("<bdi>%(party)s</bdi> signed that it stopped using your data")
    if progress.only_about:
        return _("<bdi>%(party)s</bdi> signed that it deleted what <bdi>%(names)s</bdi> had about you")
    return _("<bdi>%(party)s</bdi> signed that it deleted your data")


def _unsigned_message(progress: Progress) -> str:
    if not progress.shown.owes_deletion:
        return _("Not yet signed: that it, and the companies it passed your data to, stopped using your data")
    if progress.only_about:
        return _("Not yet signed: that it deleted what <bdi>%(names)s</bdi> had about you")
    return _("Not yet signed: that it, and the companies it passed your data to, deleted your data")


def due_words(*, progress: Progress) -> SafeString:
    """Say by when the partner must sign, or must have; "" where it has, or no date is set."""
    if progress.shown.state == State.COMPLETED or progress.complete_by is None:
        return SafeString()
    day = when(progress.complete_by, "day")
    if progress.shown.overdue:
        followed = sentence(_("Our privacy office is following up."))
        return join_sentences([ending_with(_("It was due on"), day), followed])
    then = sentence(_("If it is late, our privacy office will follow up."))
    return join_sentences([ending_with(_("Due by"), day), then])


def replaced_words(*, progress: Progress, kind: str, undone: bool, changed: bool) -> str:
    """Say by what an order was replaced; "" where it was not.

    `kind`: of the choice. `undone`: it no longer stands; `changed`: because of a newer one.
    """
    if not progress.is_replaced:
        return ""
    if undone:
        return _("A later choice of yours replaced this one.") if changed else _("A newer message replaced this one.")
    if kind == "allow":
        return _("A newer message replaced this one. The status below is for the newer message.")
    return _("A newer message replaced this one and asks for the same. The status below is for the newer message.")


def step_words(*, step: Step, progress: Progress, kind: str, over_before: bool) -> str:
    """Say how far one of the first three steps is. `over_before`: the choice had ended when it was imported."""
    match step.key:
        case "blocked":
            return _blocked_words(kind, over_before=over_before)
        case "told":
            return _sent_words(step, progress.shown)
        case _:
            return _received_words(step, progress.shown)


def _blocked_words(kind: str, *, over_before: bool) -> str:
    if kind == "allow":
        return _("Allowed here")
    return _("Nothing to block: it had already ended") if over_before else _("Blocked here")


def _sent_words(step: Step, order: OrderState) -> str:
    if step.already:
        return _("Already sent")
    if step.status == "done":
        return _("Sent")
    is_parked = order.state == State.PARKED
    return _("Waiting to send: on hold while we look into it") if is_parked else _("Waiting to send")


def _received_words(step: Step, order: OrderState) -> str:
    if step.status == "done":
        return _("Received")
    return _("Not yet confirmed") if order.unconfirmed else _("Not received yet")
