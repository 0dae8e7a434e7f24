"""The tables of `permissions` in words, for the console's page of roles and `docs/reference/permissions.md`."""

from collections.abc import Mapping, Sequence

from accounts.models import User
from accounts.policies.permissions import Action, Relation, StaffAction, roles_that_may

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
    StaffAction.CHANGE_DELAYED: "hide releases under a delayed-notice order, and lift it",
    StaffAction.CHANGE_REPLIES: "change saved replies",
    StaffAction.WORK_SEPARATIONS: "work line separations, which the person's log shows",
    StaffAction.REVEAL_PERSON: "see whose case it is for 15 minutes, which the person's log shows",
    StaffAction.IMPORT_FILES: "upload, import and discard carrier files other than delayed notices",
    StaffAction.PROTECT_LINES: "protect a line, so that two must agree to see whose it is",
    StaffAction.MAKE_DOCUMENTS: "preview and sign documents",
    StaffAction.READ_DOCUMENTS: "download signed documents, with a reason",
    StaffAction.VIEW_AS: "view pages as another role",
}


def list_staff_permissions() -> Sequence[tuple[str, Sequence[User.Role]]]:
    """Return what staff may do, and which roles may."""
    return [(STAFF_DOES[action], roles_that_may(action)) for action in StaffAction]
