"""Say who may do what with a line, and by what proof (promise 7); and what each role of staff may do at all.

Everything that shows or changes something of a line asks the table `MAY`, through `access` or a `PersonsLine`. What is
not in it is forbidden. Lines whose user is an adult (`user`, or a role nobody knows) belong to that adult alone,
however long somebody else pays for them.

Of staff, the desk asks `staff_may`, which reads `STAFF_MAY`; what is not in it is forbidden. A page of the console
stands in `console/urls.py` beside the roles that open it, and what only some of them may do there asks `staff_may`.
The console's page of roles and `docs/reference/permissions.md` are made from both tables.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from accounts.models import User


class Relation(StrEnum):
    """What a person is to one line, now."""

    ADULT_USER = "adult_user"  # carries the phone, and is grown up
    MINOR_USER = "minor_user"  # carries the phone, and is a child
    SAME_HOLDER = "same_holder"  # holds the account, and this is another line that is their own
    HOLDER_OF_MINOR = "holder_of_minor"  # holds the account of a child's line
    NEW_HOLDER = "new_holder"  # would be one of these two, of a line that came to them less than a day ago
    HOLDER_OF_ADULT = "holder_of_adult"  # holds the account of a line that another adult uses
    DELEGATE_SEES = "delegate_sees"  # asked by the line's user to look
    DELEGATE_STOPS = "delegate_stops"  # asked by the line's user to stop, without looking
    DELEGATE_BOTH = "delegate_both"  # asked to look and to stop
    AUTHORIZED_AGENT = "authorized_agent"  # a company that the line's user signed a permission for
    EX_USER = "ex_user"  # used it until it ended, and is the one who signed in by it then
    EX_HOLDER = "ex_holder"  # held it once, or held it before the role changed or the line left the account
    STRANGER = "stranger"
    AGENT = "agent"
    OFFICER = "officer"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What somebody may want to do with a line."""

    KNOW = "know"  # that it is there: its number and the one sentence
    SEE = "see"  # recipients, history, choices, receipts
    DOWNLOAD = "download"  # the same, to take away
    SEE_LOG = "see_log"  # who looked at it and who did what
    STOP = "stop"
    PAUSE = "pause"
    DISPUTE = "dispute"  # "I never agreed": a stop with a question
    ALLOW = "allow"
    SIGNAL = "signal"  # what a browser's privacy signal did, and that their own yes outweighs it
    CHOOSE_WAY_IN = "choose_way_in"  # a password, a passkey, an app
    INVITE = "invite"  # text the line's user an invitation to sign in
    DELEGATE = "delegate"  # ask somebody to look after it, see who does, and end that
    GIVE_BACK = "give_back"  # end what one was asked to look after
    SAFE_CONTACT = "safe_contact"  # where news about it goes instead of its phone
    SEPARATE = "separate"  # ask in confidence that it leaves the account
    ASK = "ask"  # write to us about it
    READ_CASES = "read_cases"  # read what they wrote and we answered, ask about one thing seen, write again
    SEE_UNDER_GLASS = "see_under_glass"  # with a reason, and in the person's own log
    STOP_FOR = "stop_for"  # tighten for the person, with a reason and the person's word
    WORK_SEPARATION = "work_separation"  # see what was asked in confidence, and say that it is done


class How(StrEnum):
    """By what proof somebody may."""

    NO = "no"
    CODE = "code"  # signed in by a texted code, held or not
    UNHELD = "unheld"  # the same, while no new SIM, number or forwarding holds their own line
    PROOF = "proof"  # a password or passkey in this session, too, and nothing holds their own line
    SIGNED = "signed"  # a permission that the person signed and we checked
    GLASS = "glass"  # as staff with a second factor, with a reason, in the person's own log


_TIGHTEN: Mapping[Action, How] = {Action.STOP: How.CODE, Action.PAUSE: How.CODE, Action.DISPUTE: How.CODE}
_READ: Mapping[Action, How] = {
    Action.KNOW: How.PROOF,
    Action.SEE: How.PROOF,
    Action.DOWNLOAD: How.PROOF,
    Action.SEE_LOG: How.PROOF,
}
_ALLOW: Mapping[Action, How] = {Action.ALLOW: How.PROOF}
_SIGNAL: Mapping[Action, How] = {Action.SIGNAL: How.PROOF}
_OWN: Mapping[Action, How] = {Action.CHOOSE_WAY_IN: How.UNHELD, Action.SEPARATE: How.CODE}
# Whoever can't get in any more can still write; what was written and answered takes what seeing takes.
_ASK: Mapping[Action, How] = {Action.ASK: How.CODE, Action.READ_CASES: How.PROOF}
_FOR_ME: Mapping[Action, How] = {Action.KNOW: How.PROOF, Action.GIVE_BACK: How.PROOF}
_FOR_ME_SEE: Mapping[Action, How] = {**_FOR_ME, Action.SEE: How.PROOF}
_FOR_ME_STOP: Mapping[Action, How] = {**_FOR_ME, Action.STOP: How.PROOF, Action.PAUSE: How.PROOF}
_UNDER_GLASS: Mapping[Action, How] = {Action.SEE_UNDER_GLASS: How.GLASS}
_WORK: Mapping[Action, How] = {**_UNDER_GLASS, Action.STOP_FOR: How.GLASS}

MAY: Mapping[Relation, Mapping[Action, How]] = {
    Relation.ADULT_USER: {
        **_READ, **_TIGHTEN, **_ALLOW, **_SIGNAL, **_OWN, Action.DELEGATE: How.PROOF, Action.SAFE_CONTACT: How.PROOF,
        **_ASK,
    },
    Relation.MINOR_USER: {**_READ, **_TIGHTEN, **_SIGNAL, **_OWN, **_ASK},
    Relation.SAME_HOLDER: {**_READ, **_TIGHTEN, **_ALLOW, **_SIGNAL, **_ASK},
    Relation.HOLDER_OF_MINOR: {**_READ, **_TIGHTEN, **_ALLOW, **_SIGNAL, **_ASK},
    Relation.NEW_HOLDER: {Action.KNOW: How.PROOF, Action.STOP: How.CODE, Action.PAUSE: How.CODE},
    Relation.HOLDER_OF_ADULT: {Action.KNOW: How.PROOF, Action.INVITE: How.PROOF},
    Relation.DELEGATE_SEES: _FOR_ME_SEE,
    Relation.DELEGATE_STOPS: _FOR_ME_STOP,
    Relation.DELEGATE_BOTH: {**_FOR_ME_SEE, **_FOR_ME_STOP},
    Relation.AUTHORIZED_AGENT: {Action.STOP: How.SIGNED},
    Relation.EX_USER: {
        **_READ, Action.STOP: How.PROOF, Action.DISPUTE: How.PROOF, Action.ASK: How.PROOF,
        Action.READ_CASES: How.PROOF,
    },
    Relation.EX_HOLDER: {},
    Relation.STRANGER: {},
    Relation.AGENT: _WORK,
    Relation.OFFICER: {**_WORK, Action.WORK_SEPARATION: How.GLASS},
    Relation.AUDITOR: _UNDER_GLASS,
}  # fmt: skip
# What somebody of staff is to everybody's line. A role that is not here is a stranger's.
OF_STAFF: Mapping[str, Relation] = {
    User.Role.AGENT: Relation.AGENT,
    User.Role.OFFICER: Relation.OFFICER,
    User.Role.AUDITOR: Relation.AUDITOR,
}
# Whose own line it is: who uses it, or did until it ended.
OWN = (Relation.ADULT_USER, Relation.MINOR_USER, Relation.EX_USER)
DELEGATES = (Relation.DELEGATE_SEES, Relation.DELEGATE_STOPS, Relation.DELEGATE_BOTH)


def get_required_proof(relation: Relation, action: Action) -> How:
    """Say by what proof somebody who is `relation` to a line may do `action` with it; NO where they may not at all."""
    return MAY[relation].get(action, How.NO)


def may(relation: Relation, action: Action) -> bool:
    """Return whether somebody who is `relation` to a line may do `action` with it, given the proof."""
    return get_required_proof(relation, action) is not How.NO


class StaffAction(StrEnum):
    """What somebody of staff may want to do."""

    SEE_TERMS = "see_terms"  # parties, contracts, campaigns, rules, notices, streams, orders without persons
    CHANGE_TERMS = "change_terms"  # draft, put in force, shorten, link, first endpoints, rules
    SUSPEND = "suspend"  # and propose to terminate
    PROPOSE = "propose"  # a loosening act; withdraw it, decline another's
    AGREE = "agree"  # to another officer's proposal, which does the act
    SEE_SUBSCRIBERS_ORDERS = "see_subscribers_orders"  # one person's order, with a reason and in their own log
    SEE_INCIDENTS = "see_incidents"
    SEE_INCIDENTS_ROWS = "see_incidents_rows"  # look-ups behind one, with a reason and in each subscriber's own log
    CLOSE_INCIDENT = "close_incident"  # and report one, acknowledge it, say whose it is
    SEE_AUDIT = "see_audit"
    SEE_TICKETS = "see_tickets"
    WORK_TICKETS = "work_tickets"
    LEAD_DESK = "lead_desk"  # give others' cases to others, and see the figures of everybody
    SEE_DELAYED = "see_delayed"  # that delayed-notice orders exist at all
    CHANGE_DELAYED = "change_delayed"
    CHANGE_REPLIES = "change_replies"  # the answers that are written often
    WORK_SEPARATIONS = "work_separations"  # asked in confidence: each look in the person's own log
    REVEAL_PERSON = "reveal_person"  # for 15 minutes the number and name behind a case, with a reason, in their own log
    IMPORT_FILES = "import_files"  # upload a carrier's file, import or discard it; delayed notices: CHANGE_DELAYED
    PROTECT_LINES = "protect_lines"  # that two of staff must agree before one of them sees whose a line is
    MAKE_DOCUMENTS = "make_documents"  # of the records: preview and sign them; upload agreements
    READ_DOCUMENTS = "read_documents"  # as they were signed, with a reason
    VIEW_AS = "view_as"  # see which doors another role has, and act meanwhile in nothing


_READ_ONLY = {
    StaffAction.SEE_TERMS,
    StaffAction.SEE_SUBSCRIBERS_ORDERS,
    StaffAction.SEE_INCIDENTS,
    StaffAction.SEE_INCIDENTS_ROWS,
    StaffAction.SEE_AUDIT,
    StaffAction.SEE_TICKETS,
    StaffAction.READ_DOCUMENTS,
}

STAFF_MAY: dict[str, frozenset[StaffAction]] = {
    User.Role.SUBSCRIBER: frozenset(),
    User.Role.AGENT: frozenset({StaffAction.SEE_TICKETS, StaffAction.WORK_TICKETS, StaffAction.REVEAL_PERSON}),
    User.Role.OFFICER: frozenset(
        _READ_ONLY
        | {
            StaffAction.CHANGE_TERMS,
            StaffAction.SUSPEND,
            StaffAction.PROPOSE,
            StaffAction.AGREE,
            StaffAction.CLOSE_INCIDENT,
            StaffAction.WORK_TICKETS,
            StaffAction.LEAD_DESK,
            StaffAction.CHANGE_REPLIES,
            StaffAction.WORK_SEPARATIONS,
            StaffAction.PROTECT_LINES,
            StaffAction.IMPORT_FILES,
            StaffAction.REVEAL_PERSON,
            StaffAction.MAKE_DOCUMENTS,
            StaffAction.VIEW_AS,
        }
    ),
    User.Role.AUDITOR: frozenset(_READ_ONLY),
    User.Role.LEGAL: frozenset({StaffAction.SEE_DELAYED, StaffAction.CHANGE_DELAYED}),
}


def staff_may(role: str, action: StaffAction) -> bool:
    """Return whether staff of this role may do `action`. A role nobody knows may nothing."""
    return action in STAFF_MAY.get(role, frozenset())


def roles_that_may(action: StaffAction) -> tuple[User.Role, ...]:
    """Return the roles that may do `action`."""
    return tuple(role for role in User.Role if staff_may(role, action))


def actor_of(user: User) -> str:
    """Return how the audit trail names somebody of staff, or a subscriber: "officer:7"."""
    return f"{user.role}:{user.pk}"


WHO: Mapping[Relation, str] = {
    Relation.ADULT_USER: "adult user",
    Relation.MINOR_USER: "minor user",
    Relation.SAME_HOLDER: "holder (own)",
    Relation.HOLDER_OF_MINOR: "holder (minor's)",
    Relation.NEW_HOLDER: "holder (new)",
    Relation.HOLDER_OF_ADULT: "holder (adult's)",
    Relation.DELEGATE_SEES: "seeing helper",
    Relation.DELEGATE_STOPS: "stopping helper",
    Relation.DELEGATE_BOTH: "full helper",
    Relation.AUTHORIZED_AGENT: "authorised agent",
    Relation.EX_USER: "former user",
    Relation.EX_HOLDER: "former holder",
    Relation.STRANGER: "stranger or next holder of the number",
    Relation.AGENT: "support agent",
    Relation.OFFICER: "privacy officer",
    Relation.AUDITOR: "auditor",
}
PARTS: Mapping[str, tuple[Action, ...]] = {
    "See": (Action.KNOW, Action.SEE, Action.DOWNLOAD, Action.SEE_LOG),
    "Choose": (Action.STOP, Action.PAUSE, Action.DISPUTE, Action.ALLOW, Action.SIGNAL),
    "Access of others": (
        Action.CHOOSE_WAY_IN, Action.INVITE, Action.DELEGATE, Action.GIVE_BACK, Action.SAFE_CONTACT, Action.SEPARATE,
    ),
    "Ask us": (Action.ASK, Action.READ_CASES),
    "Staff": (Action.SEE_UNDER_GLASS, Action.STOP_FOR, Action.WORK_SEPARATION),
}  # fmt: skip
DOES: Mapping[Action, str] = {
    Action.KNOW: "know that the line exists: its number, and for another adult's line one sentence",
    Action.SEE: "see recipients, history, choices, receipts",
    Action.DOWNLOAD: "download it",
    Action.SEE_LOG: "see who looked and who did what; confidential requests only if they may make them",
    Action.STOP: "stop, also in answer to a privacy signal",
    Action.PAUSE: "pause",
    Action.DISPUTE: 'say "I never agreed": a stop that opens a case',
    Action.ALLOW: "allow one company's campaign, in two steps",
    Action.SIGNAL: "see what a browser's privacy signal did, and keep what was allowed",
    Action.CHOOSE_WAY_IN: "choose how to sign in: password, passkey, app",
    Action.INVITE: "text its user an invitation, which opens and reveals nothing",
    Action.DELEGATE: "invite a trusted helper, see them, and end that",
    Action.GIVE_BACK: "stop being a trusted helper",
    Action.SAFE_CONTACT: "choose where alerts go",
    Action.SEPARATE: "ask in confidence for a line of their own",
    Action.ASK: "write to us, without seeing data",
    Action.READ_CASES: "ask about something they see, read their own cases and our answers, reply",
    Action.SEE_UNDER_GLASS: "see the person's data",
    Action.STOP_FOR: "stop for the person, on their proved request",
    Action.WORK_SEPARATION: "see a line separation, and complete it",
}
STAFF_DOES: Mapping[StaffAction, str] = {
    StaffAction.SEE_TERMS: "see companies, contracts, campaigns, rules, notices, delivery, orders without people",
    StaffAction.CHANGE_TERMS: "draft and change them, put them in force, shorten and link them",
    StaffAction.SUSPEND: "suspend",
    StaffAction.PROPOSE: "propose, withdraw or decline what takes two officers",
    StaffAction.AGREE: "agree to another officer's proposal",
    StaffAction.SEE_SUBSCRIBERS_ORDERS: "see one person's order, which their log shows",
    StaffAction.SEE_INCIDENTS: "see incidents",
    StaffAction.SEE_INCIDENTS_ROWS: "see releases behind an incident, which each person's log shows",
    StaffAction.CLOSE_INCIDENT: "report, acknowledge, assign and close an incident",
    StaffAction.SEE_AUDIT: "see and export the audit log",
    StaffAction.SEE_TICKETS: "see cases",
    StaffAction.WORK_TICKETS: "work cases",
    StaffAction.LEAD_DESK: "lead the desk: assign cases, work escalated ones, see everyone's figures",
    StaffAction.SEE_DELAYED: "see delayed-notice orders, and this role's acts",
    StaffAction.CHANGE_DELAYED: (
        "hide releases under a delayed-notice order, lift it, and record notifications of incidents it hides"
    ),
    StaffAction.CHANGE_REPLIES: "change saved replies",
    StaffAction.WORK_SEPARATIONS: "work line separations, which the person's log shows",
    StaffAction.REVEAL_PERSON: "see whose case it is for 15 minutes, which the person's log shows",
    StaffAction.IMPORT_FILES: "upload, import and discard carrier files other than delayed notices",
    StaffAction.PROTECT_LINES: "protect a line, so that two must agree to see whose it is",
    StaffAction.MAKE_DOCUMENTS: "preview and sign documents, upload agreements",
    StaffAction.READ_DOCUMENTS: "download documents, with a reason",
    StaffAction.VIEW_AS: "view pages as another role",
}


def list_staff_permissions() -> Sequence[tuple[str, Sequence[User.Role]]]:
    """Return what staff may do, and which roles may."""
    return [(STAFF_DOES[action], roles_that_may(action)) for action in StaffAction]
