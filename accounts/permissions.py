"""Promise 7 as one table: who a person is to a line, and what that lets them do.

Everything that shows or changes something of a line asks `may`. What is not in the table is forbidden. Lines whose
user is an adult (`user`, or a role nobody knows) belong to that adult alone, however long somebody else pays for them.

Below it a second table: what each role of staff may do at all. Whoever shows or changes anything as staff asks
`staff_may`; what is not in the table is forbidden.
"""

from enum import StrEnum

from accounts.models import User


class Relation(StrEnum):
    """What a person is to one line, now."""

    ADULT_USER = "adult_user"  # carries the phone, and is grown up
    MINOR_USER = "minor_user"  # carries the phone, and is a child
    SAME_HOLDER = "same_holder"  # holds the account, and this is another line that is their own
    HOLDER_OF_MINOR = "holder_of_minor"  # holds the account of a child's line
    HOLDER_OF_ADULT = "holder_of_adult"  # holds the account of a line that another adult uses
    EX_HOLDER = "ex_holder"  # held or used it once, or held it before the role changed
    STRANGER = "stranger"
    AGENT = "agent"
    OFFICER = "officer"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What somebody may want to do with a line."""

    KNOW = "know"  # that it is there: its number and the one sentence
    SEE = "see"  # recipients, history, choices, receipts
    DOWNLOAD = "download"  # the same, to take away
    STOP = "stop"
    PAUSE = "pause"
    DISPUTE = "dispute"  # "I never agreed": a stop with a question
    ALLOW = "allow"
    INVITE = "invite"  # text the line's user an invitation to sign in
    SEE_UNDER_GLASS = "see_under_glass"  # with a reason, and in the person's own log
    STOP_FOR = "stop_for"  # tighten for the person, with a reason and the person's word


_TIGHTEN = {Action.STOP, Action.PAUSE, Action.DISPUTE}
_READ = {Action.KNOW, Action.SEE, Action.DOWNLOAD}

MAY: dict[Relation, frozenset[Action]] = {
    Relation.ADULT_USER: frozenset(_READ | _TIGHTEN | {Action.ALLOW}),
    Relation.MINOR_USER: frozenset(_READ | _TIGHTEN),
    Relation.SAME_HOLDER: frozenset(_READ | _TIGHTEN | {Action.ALLOW}),
    Relation.HOLDER_OF_MINOR: frozenset(_READ | _TIGHTEN | {Action.ALLOW}),
    Relation.HOLDER_OF_ADULT: frozenset({Action.KNOW, Action.INVITE}),
    Relation.EX_HOLDER: frozenset(),
    Relation.STRANGER: frozenset(),
    Relation.AGENT: frozenset({Action.SEE_UNDER_GLASS, Action.STOP_FOR}),
    Relation.OFFICER: frozenset({Action.SEE_UNDER_GLASS, Action.STOP_FOR}),
    Relation.AUDITOR: frozenset({Action.SEE_UNDER_GLASS}),
}


def may(relation: Relation, action: Action) -> bool:
    """Whether somebody who is `relation` to a line may do `action` with it."""
    return action in MAY[relation]


class StaffAction(StrEnum):
    """What somebody of staff may want to do."""

    SEE_TERMS = "see_terms"  # parties, contracts, campaigns, rules, notices, streams, orders without persons
    CHANGE_TERMS = "change_terms"  # draft, put in force, shorten, link, endpoints, rules
    SUSPEND = "suspend"  # and propose to terminate
    PROPOSE = "propose"  # a loosening act; withdraw it, decline another's
    AGREE = "agree"  # to another officer's proposal, which does the act
    PUBLISH_NOTICE = "publish_notice"
    SEE_SUBSCRIBERS_ORDERS = "see_subscribers_orders"  # one person's order, with a reason and in their own log
    SEE_INCIDENTS = "see_incidents"
    SEE_INCIDENTS_ROWS = "see_incidents_rows"  # look-ups behind one, with a reason and in each subscriber's own log
    CLOSE_INCIDENT = "close_incident"  # and acknowledge it, and say whose it is
    SEE_AUDIT = "see_audit"
    SEE_TICKETS = "see_tickets"
    WORK_TICKETS = "work_tickets"
    SEE_DELAYED = "see_delayed"  # that delayed-notice orders exist at all
    CHANGE_DELAYED = "change_delayed"


_READ_ONLY = {
    StaffAction.SEE_TERMS,
    StaffAction.SEE_SUBSCRIBERS_ORDERS,
    StaffAction.SEE_INCIDENTS,
    StaffAction.SEE_INCIDENTS_ROWS,
    StaffAction.SEE_AUDIT,
    StaffAction.SEE_TICKETS,
}

STAFF_MAY: dict[str, frozenset[StaffAction]] = {
    User.Role.SUBSCRIBER: frozenset(),
    User.Role.AGENT: frozenset({StaffAction.SEE_TICKETS, StaffAction.WORK_TICKETS}),
    User.Role.OFFICER: frozenset(
        _READ_ONLY
        | {
            StaffAction.CHANGE_TERMS,
            StaffAction.SUSPEND,
            StaffAction.PROPOSE,
            StaffAction.AGREE,
            StaffAction.PUBLISH_NOTICE,
            StaffAction.CLOSE_INCIDENT,
            StaffAction.WORK_TICKETS,
        }
    ),
    User.Role.AUDITOR: frozenset(_READ_ONLY),
    User.Role.LEGAL: frozenset({StaffAction.SEE_DELAYED, StaffAction.CHANGE_DELAYED}),
}


def staff_may(role: str, action: StaffAction) -> bool:
    """Whether staff of this role may do `action`. A role nobody knows may nothing."""
    return action in STAFF_MAY.get(role, frozenset())


def roles_that_may(action: StaffAction) -> tuple[User.Role, ...]:
    """The roles that may do `action`."""
    return tuple(role for role in User.Role if staff_may(role, action))


def actor_of(user: User) -> str:
    """How the audit trail names somebody of staff, or a subscriber: "officer:7"."""
    return f"{user.role}:{user.pk}"
