"""Who may do what, as `docs/reference/permissions.md`: the tables of `accounts.policies.permissions`, in words."""

from collections.abc import Iterator, Mapping

from accounts.policies.permissions import (
    DOES,
    PARTS,
    WHO,
    Action,
    How,
    Relation,
    get_required_proof,
    list_staff_permissions,
)

CELL: Mapping[How, str] = {
    How.CODE: "code",
    How.UNHELD: "code, unheld",
    How.PROOF: "password",
    How.SIGNED: "signed",
    How.GLASS: "glass",
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
    listed = [(does, ", ".join(role.label.lower() for role in roles)) for does, roles in list_staff_permissions()]
    for who in dict.fromkeys(who for _, who in listed):
        yield f"- {who}: {'; '.join(does for does, them in listed if them == who)}\n"
