"""Who may do what, as `docs/reference/permissions.md`: the tables of `accounts.policies.permissions`, in words."""

from collections.abc import Iterator, Mapping

from accounts.models import User
from accounts.policies.permissions import Action, How, Relation, StaffAction, get_required_proof, staff_may

CELL: Mapping[How, str] = {
    How.CODE: "code",
    How.UNHELD: "code, unheld",
    How.PROOF: "password",
    How.SIGNED: "signed",
    How.GLASS: "glass",
}
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
INTRODUCTION = (
    "Generated from `accounts/policies/permissions.py`, which decides every permission: `uv run manage.py permissions >"
    " docs/reference/permissions.md`. Tests try every cell."
)
PROOFS = (
    "- **code**: signed in by a texted code, even while held. **code, unheld**: the same, while no new SIM, number or"
    " forwarding holds the person's own line. **password**: also a password or passkey in this session, while nothing"
    " holds their line. If only a new number holds it, an older password or passkey, or a code sent to an older safe"
    " contact, opens what there is to read.\n"
    "- **signed**: with a permission the person signed and we verified. **glass**: as staff, with a second factor and a"
    " reason that appears in the person's own log.\n"
    "- Whoever isn't named: never. To anyone without access, a line doesn't exist: the answer is that of an invented"
    " one."
)
RULES = (
    "*Holder*: the account holder, of another line of their own, a minor's, one that joined within a day, or another"
    " adult's. *Helper*: a trusted helper, who sees, stops or does both. *Former user*: of an ended line. "
    "Only the person allows; staff, helpers and agents only tighten. A user of unknown role is an adult. A change of"
    " role to adult cuts off the account holder at once, past included. Stopping is never held. An ended line's phone"
    " proves nothing: stopping there takes the password."
)


def document() -> str:
    """Return the whole page, Markdown."""
    head = f"# Permissions\n\n{INTRODUCTION}\n\n{PROOFS}\n\n{RULES}\n"
    parts = "".join(f"\n## {title}\n\n{''.join(_lines(actions))}" for title, actions in PARTS.items())
    return f"{head}{parts}\n## What each staff role may do\n\n{''.join(_staff())}"


def _lines(actions: tuple[Action, ...]) -> Iterator[str]:
    for action in actions:
        who = "; ".join(f"**{CELL[proof]}** {', '.join(people)}" for proof, people in _by_proof(action))
        yield f"- `{action}`: {DOES[action]}. {who}\n"


def _by_proof(action: Action) -> Iterator[tuple[How, list[str]]]:
    for proof in CELL:
        people = [WHO[relation] for relation in Relation if get_required_proof(relation, action) is proof]
        if people:
            yield proof, people


def _staff() -> Iterator[str]:
    for action in StaffAction:
        roles = [role.label.lower() for role in User.Role if staff_may(role, action)]
        yield f"- {action.replace('_', ' ')}: {', '.join(roles)}\n"
