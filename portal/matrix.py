"""Who may do what, as `docs/reference/permissions.md`: the tables of `accounts.permissions`, in words."""

from collections.abc import Iterator, Mapping

from accounts.models import User
from accounts.permissions import Action, How, Relation, StaffAction, how, staff_may

CELL: Mapping[How, str] = {
    How.NO: "-",
    How.CODE: "code",
    How.UNHELD: "code, unheld",
    How.PROOF: "password",
    How.SIGNED: "signed",
    How.GLASS: "glass",
}
WHO: Mapping[Relation, str] = {
    Relation.ADULT_USER: "the adult who uses the line",
    Relation.MINOR_USER: "the minor who uses it",
    Relation.SAME_HOLDER: "the holder, of another line of their own",
    Relation.HOLDER_OF_MINOR: "the holder, of a minor's line",
    Relation.NEW_HOLDER: "the holder, of a line that came to the account a day ago or less",
    Relation.HOLDER_OF_ADULT: "the holder, of another adult's line",
    Relation.DELEGATE_SEES: "a delegate who sees",
    Relation.DELEGATE_STOPS: "a delegate who stops",
    Relation.DELEGATE_BOTH: "a delegate who does both",
    Relation.AUTHORIZED_AGENT: "an authorized agent (a company)",
    Relation.EX_USER: "who used it until it ended",
    Relation.EX_HOLDER: "who held it once, or holds the account it left",
    Relation.STRANGER: "a stranger, the next holder of the number among them",
    Relation.AGENT: "a support agent",
    Relation.OFFICER: "a privacy officer",
    Relation.AUDITOR: "an auditor",
}
PARTS: Mapping[str, tuple[Action, ...]] = {
    "See": (Action.KNOW, Action.SEE, Action.DOWNLOAD, Action.SEE_LOG),
    "Choose": (Action.STOP, Action.PAUSE, Action.DISPUTE, Action.ALLOW, Action.SIGNAL),
    "Who else has to do with it": (
        Action.CHOOSE_WAY_IN, Action.INVITE, Action.DELEGATE, Action.GIVE_BACK, Action.SAFE_CONTACT, Action.SEPARATE,
    ),
    "Ask us": (Action.ASK, Action.READ_CASES),
    "Staff": (Action.SEE_UNDER_GLASS, Action.STOP_FOR, Action.WORK_SEPARATION),
}  # fmt: skip
DOES: Mapping[Action, str] = {
    Action.KNOW: "know that the line is there: its number, and of another adult's line one sentence",
    Action.SEE: "see recipients, history, choices, receipts",
    Action.DOWNLOAD: "take away what is seen",
    Action.SEE_LOG: "see who looked and who did what; what was asked in confidence, whoever may ask it alone",
    Action.STOP: "stop, as the answer to a privacy signal's question too",
    Action.PAUSE: "pause",
    Action.DISPUTE: 'say "I never agreed": a stop that opens a case',
    Action.ALLOW: "allow one use by one company, in two steps",
    Action.SIGNAL: "see what a browser's privacy signal did, and keep what was allowed against it",
    Action.CHOOSE_WAY_IN: "choose what lets them see: a password, a passkey, an app",
    Action.INVITE: "text its user an invitation, which opens nothing and tells nothing",
    Action.DELEGATE: "ask somebody to look after it, see who does, and end that",
    Action.GIVE_BACK: "end what they were asked to look after",
    Action.SAFE_CONTACT: "choose where news about it goes",
    Action.SEPARATE: "ask in confidence that it leaves its account",
    Action.ASK: "write to us; nothing is shown for it",
    Action.READ_CASES: "ask about one thing that is seen, read what they asked themselves and our answers, write again",
    Action.SEE_UNDER_GLASS: "see what is about the person",
    Action.STOP_FOR: "stop for the person, on their word",
    Action.WORK_SEPARATION: "see what was asked in confidence, and say that it is done",
}
INTRODUCTION = (
    "Generated from `accounts/permissions.py`, which decides every permission (`uv run manage.py permissions >"
    " docs/reference/permissions.md`). Tests try every cell: pages, downloads, texts, APIs and the officers' search."
)
PROOFS = (
    "- **code**: signed in by a texted code, held or not. **code, unheld**: the same, while no new SIM, number or"
    " forwarding holds the person's own line. **password**: a password or passkey in this session as well, and nothing"
    " holds their line; where it is held by a new number alone, one from before that change, or a code sent to the"
    " safe contact from before it, opens what there is to read.\n"
    "- **signed**: with a permission that the person signed and we checked. **glass**: as staff, with a second factor"
    " and a reason that stands in the person's own log.\n"
    "- **-**: not at all. To whom a line is nobody's business it does not exist: the answer is that of a made-up one."
)
RULES = (
    "Nobody but the person allows; staff, delegates and agents only tighten. A line whose user's role we do not know is"
    " an adult's. A role that changes to adult cuts the holder off at once, the past included. What stopping takes is"
    " never held. A line that has ended is no longer proved by its phone: there, stopping takes the password."
)


def document() -> str:
    """The whole page, Markdown."""
    head = f"# Who may do what\n\n{INTRODUCTION}\n\n{PROOFS}\n\n{RULES}\n"
    parts = "".join(f"\n## {title}\n\n{''.join(_table(actions))}" for title, actions in PARTS.items())
    return f"{head}{parts}\n## What each role of staff may do at all\n\n{''.join(_staff())}"


def _table(actions: tuple[Action, ...]) -> Iterator[str]:
    yield "".join(f"- `{action}`: {DOES[action]}\n" for action in actions) + "\n"
    yield "| who | " + " | ".join(actions) + " |\n|---" + "|---" * len(actions) + "|\n"
    for relation in Relation:
        yield f"| {WHO[relation]} | " + " | ".join(CELL[how(relation, action)] for action in actions) + " |\n"


def _staff() -> Iterator[str]:
    roles = [role for role in User.Role if role != User.Role.SUBSCRIBER]
    yield "| act | " + " | ".join(role.label.lower() for role in roles) + " |\n|---" + "|---" * len(roles) + "|\n"
    for action in StaffAction:
        cells = ("yes" if staff_may(role, action) else "-" for role in roles)
        yield f"| {action.replace('_', ' ')} | " + " | ".join(cells) + " |\n"
