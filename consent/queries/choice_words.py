"""Choices in words: what was chosen, by whom, and how it came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.sentences import ending_with, full_stop, join_sentences, sentence, when
from accounts.models import User
from accounts.policies.permissions import OF_STAFF, Relation
from accounts.queries import PersonsLine
from consent.models import Choice
from consent.queries.choices import GROWN_UP, ChoiceRow

type Author = Literal["you", "holder", "user", "delegate", "agent", "us"]
type About = Literal["all", "purpose", "use", "company"]
SHARED = (Relation.MINOR_USER, Relation.HOLDER_OF_MINOR)
DISPUTED = "disputed"

YOURS: Final[Mapping[tuple[str, About], Promise]] = {
    (DISPUTED, "all"): gettext_lazy("You said you never agreed"),
    (DISPUTED, "company"): gettext_lazy("You said you never agreed to <bdi>%(name)s</bdi>"),
    (Choice.Kind.STOP, "all"): gettext_lazy("You stopped all sharing"),
    (Choice.Kind.STOP, "purpose"): gettext_lazy("You stopped every use of this kind: %(why)s"),
    (Choice.Kind.STOP, "use"): gettext_lazy("You stopped one use by <bdi>%(name)s</bdi>: %(why)s"),
    (Choice.Kind.STOP, "company"): gettext_lazy("You stopped <bdi>%(name)s</bdi>"),
    (Choice.Kind.PAUSE, "all"): gettext_lazy("You paused all sharing"),
    (Choice.Kind.PAUSE, "purpose"): gettext_lazy("You paused every use of this kind: %(why)s"),
    (Choice.Kind.PAUSE, "company"): gettext_lazy("You paused <bdi>%(name)s</bdi>"),
    (Choice.Kind.ALLOW, "company"): gettext_lazy("You allowed <bdi>%(name)s</bdi>"),
    (Choice.Kind.REFUSE, "company"): gettext_lazy("You said no to <bdi>%(name)s</bdi>"),
}
OTHERS: Final[Mapping[tuple[str, About], Promise]] = {
    (DISPUTED, "all"): gettext_lazy("It was reported that no one agreed"),
    (DISPUTED, "company"): gettext_lazy("It was reported that no one agreed to <bdi>%(name)s</bdi>"),
    (Choice.Kind.STOP, "all"): gettext_lazy("All sharing was stopped"),
    (Choice.Kind.STOP, "purpose"): gettext_lazy("Every use of this kind was stopped: %(why)s"),
    (Choice.Kind.STOP, "use"): gettext_lazy("One use by <bdi>%(name)s</bdi> was stopped: %(why)s"),
    (Choice.Kind.STOP, "company"): gettext_lazy("<bdi>%(name)s</bdi> was stopped"),
    (Choice.Kind.PAUSE, "all"): gettext_lazy("All sharing was paused"),
    (Choice.Kind.PAUSE, "purpose"): gettext_lazy("Every use of this kind was paused: %(why)s"),
    (Choice.Kind.PAUSE, "company"): gettext_lazy("<bdi>%(name)s</bdi> was paused"),
    (Choice.Kind.ALLOW, "company"): gettext_lazy("<bdi>%(name)s</bdi> was allowed"),
    (Choice.Kind.REFUSE, "company"): gettext_lazy("<bdi>%(name)s</bdi> was refused"),
}
MADE_BY: Final[Mapping[str, Promise]] = {
    "line": gettext_lazy("Made without an account, with this phone"),
    "agent": gettext_lazy("Made for you by a support agent"),
    "us": gettext_lazy("By us, because of what our records show"),
}
MADE_BY_PERSON: Final[Mapping[Author, Promise]] = {
    "us": gettext_lazy("By us: the account holder had allowed it, and this phone now belongs to an adult"),
    "delegate": gettext_lazy("Made by a trusted helper"),
    "agent": gettext_lazy("Made by a support agent"),
    "holder": gettext_lazy("Made by the account holder"),
    "user": gettext_lazy("Made by the person who uses this phone"),
    "you": gettext_lazy("Made by a signed-in person"),
}


@dataclass(frozen=True)
class ChoiceState:
    """What stands of a choice. `since`: from when on without a gap. `changed`: when a newer one changed it.

    `undone`: a yes for which the gate says no. `over`: its own end has come. `told`: there was a partner to tell.
    `stopped`: a pause that a later stop outlasts. `may_allow`: whether the reader may allow sharing on this line.
    """

    choice: ChoiceRow
    since: datetime
    changed: datetime | None
    undone: bool
    over: bool
    told: bool
    stopped: bool
    may_allow: bool

    @property
    def is_all_off(self) -> bool:
        """Whether a stop of everything stands as it was made here."""
        choice = self.choice
        made_here = choice.by not in {"file", "us"}
        return made_here and not self.changed and (choice.kind, choice.scope) == (Choice.Kind.STOP, Choice.Scope.ALL)


def choice_author(*, line: PersonsLine, reader: User, actor: str) -> Author:
    """Return who said something about a line, as this reader would call them.

    A child's line has two people who choose, and an agent may have stopped for either; others have one. Of a line that
    was a child's once, what its holder chose stays theirs. Besides them whoever looks after it for somebody, and we,
    who end the holder's yes when the child is none any more.

    `actor`: as the ledger names who said it.
    """
    if actor == f"delegate:{reader.pk}":
        return "you"
    if actor == GROWN_UP:
        return "us"
    if actor.startswith("delegate:"):
        return "delegate"
    if line.is_delegated:
        return "user"
    return "you" if actor == f"subscriber:{reader.pk}" else _name_other_author(line, actor)


def _name_other_author(line: PersonsLine, actor: str) -> Author:
    if not actor.startswith("subscriber:"):
        return "agent" if line.relation in SHARED and actor.partition(":")[0] in OF_STAFF else "you"
    if line.relation in SHARED:
        return "holder" if line.relation == Relation.MINOR_USER else "user"
    return "holder" if line.relation != Relation.SAME_HOLDER and line.is_anothers(actor) else "you"


def choice_title(*, choice: ChoiceRow, author: Author) -> SafeString:
    """Say in a line what was chosen: "You stopped GeoBridge"."""
    if choice.by == "us":
        return sentence(_("We suspended <bdi>%(name)s</bdi> for this phone"), name=choice.company)
    return impersonal_title(choice=choice) if author != "you" else _title(choice, YOURS)


def impersonal_title(*, choice: ChoiceRow) -> SafeString:
    """Say in a line what was chosen, and not by whom: "GeoBridge was stopped"."""
    return _title(choice, OTHERS)


def _title(choice: ChoiceRow, titles: Mapping[tuple[str, About], Promise]) -> SafeString:
    kind = DISPUTED if choice.disputed else choice.kind
    told = sentence(titles[kind, _about(choice)], name=choice.company, why=choice.why)
    with_use = kind == Choice.Kind.ALLOW and choice.why
    return format_html("{}: {}", told, choice.why) if with_use else told


def _about(choice: ChoiceRow) -> About:
    if choice.disputed:
        return "company" if choice.company else "all"
    if choice.kind not in {Choice.Kind.STOP, Choice.Kind.PAUSE}:
        return "company"
    if choice.scope in {Choice.Scope.ALL, Choice.Scope.PURPOSE}:
        return "all" if choice.scope == Choice.Scope.ALL else "purpose"
    return "use" if choice.kind == Choice.Kind.STOP and choice.why else "company"


def discreet_title(*, choice: ChoiceRow, author: Author) -> str:
    """Say what was chosen without a name, for the title of a page, which others may see in a list of tabs."""
    if choice.by == "us":
        return _("We suspended a company")
    if author != "you":
        return _("A choice about this phone")
    if choice.kind == Choice.Kind.ALLOW:
        return _("You allowed one use")
    if choice.kind == Choice.Kind.PAUSE:
        return _("You paused sharing")
    return _("You stopped all sharing") if choice.scope == Choice.Scope.ALL else _("You chose to stop")


def choice_origin(*, choice: ChoiceRow, author: Author) -> SafeString:
    """Say how a choice came: from which program or signal, or through whom."""
    if choice.by == "file" and choice.program:
        return sentence(_("Imported from an earlier program, “<bdi>%(program)s</bdi>”"), program=choice.program)
    if choice.by == "file":
        return sentence(_("Imported from an earlier system"))
    if choice.channel == "gpc":
        return sentence(_("By a browser's privacy signal (Global Privacy Control)"))
    by_person = author == "agent" or choice.by not in MADE_BY
    return sentence(MADE_BY_PERSON[author] if by_person else MADE_BY[choice.by])


def choice_lead(*, state: ChoiceState) -> SafeString:
    """Say below the title of a choice what stands of it, since when and until when."""
    return join_sentences(_lead_sentences(state))


def _lead_sentences(state: ChoiceState) -> Iterator[SafeString]:
    choice = state.choice
    if choice.by == "file":
        yield from _imported_sentences(state)
    elif choice.by == "us":
        yield from _blocked_sentences(state, _our_block(state))
    elif state.is_all_off:
        yield sentence(_("This part is done and depends on no one else."))
        yield sentence(_message_to_all(state))
    elif choice.kind == Choice.Kind.ALLOW:
        yield from _allowed_sentences(state)
    elif choice.kind == Choice.Kind.PAUSE:
        yield from _paused_sentences(state)
    else:
        yield from _blocked_sentences(state, _("This part is done and depends on no one else."))


def _imported_sentences(state: ChoiceState) -> Iterator[SafeString]:
    choice = state.choice
    if state.undone:
        yield sentence(_("Imported from an earlier system. It is not active now: the company is blocked."))
        return
    if choice.over_before:
        yield sentence(_("Imported from an earlier system. It had already ended by then."))
        return
    since = _("Imported from an earlier system; active here since")
    if choice.until:
        since = _("Imported from an earlier system; active here from")
    yield ending_with(since, _span(choice.in_force_since, _("until"), choice.until))
    if state.changed and choice.kind != Choice.Kind.ALLOW:
        yield sentence(_("A newer choice or record has changed part or all of it."))


def _blocked_sentences(state: ChoiceState, then: str) -> Iterator[SafeString]:
    """Since when; or from when to when, in the place of what would stand then."""
    if state.changed is None:
        yield ending_with(_("Blocked since"), when(state.since, "exact"))
        yield sentence(then)
        return
    yield ending_with(_("Blocked from"), when(state.choice.made_at, "exact"))
    yield ending_with(_("A newer choice changed that on"), when(state.changed, "exact"))


def _our_block(state: ChoiceState) -> str:
    if not state.may_allow:
        return _("It looked up this phone when it should not have. It stays blocked, and our staff can't allow it.")
    return _(
        "It looked up this phone when it should not have. It stays blocked until you allow it. No one else can allow"
        " it, and neither can we."
    )


def _message_to_all(state: ChoiceState) -> str:
    if not state.told:
        return _("There was no company to tell. If one comes later, it is blocked.")
    return _(
        "Each partner must delete what it holds about you and sign that it did. Partners are the companies we deal"
        " with directly. Their status is below."
    )


def _allowed_sentences(state: ChoiceState) -> Iterator[SafeString]:
    if state.undone:
        yield sentence(_("It is not active now: the company is blocked."))
        return
    since = _("Allowed from") if state.choice.until else _("Allowed since")
    yield ending_with(since, _span(state.choice.made_at, _("until"), state.choice.until))
    yield sentence(_("You can stop it at any time, in one step."))


def _paused_sentences(state: ChoiceState) -> Iterator[SafeString]:
    span = _span(state.choice.made_at, _("until"), state.choice.until)
    except_for = _(", except for uses allowed during this pause") if state.changed and not state.over else ""
    yield format_html("{} {}{}{}", _("Blocked from"), span, except_for, full_stop())
    yield sentence(_after_the_pause(state))


def _after_the_pause(state: ChoiceState) -> str:
    if state.stopped:
        over, then = (
            _("The pause is over, but a later stop still applies."),
            _("When the pause ends, a later stop still applies."),
        )
    else:
        over, then = _("The pause is over: your earlier settings are back."), _("Then your earlier settings return.")
    return over if state.over else then


def _span(since: datetime, until: str, end: datetime | None) -> SafeString:
    """From then on; and up to its end, where it has one."""
    begun = when(since, "exact")
    return format_html("{} {} {}", begun, until, when(end)) if end else begun
