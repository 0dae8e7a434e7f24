"""Whether a line may still be the same person's: what a row may say of a line that is known, or of a predecessor's.

Whoever uses a line sees all of its past, and a holder's other lines are theirs as well. So a row that may put a line
into other hands needs a line of its own, which begins with nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import Account, Line
from accounts.primitives.sealing import seal, unseal
from consent.feeds.pending_rejudgement import LineRecord


@dataclass(frozen=True)
class LineHolder:
    """In whose hands the carrier says that a line is. `holder`: the name, the same on every line of an account."""

    role: str
    account_id: int
    holder: str


def stays(*, before: LineHolder, after: LineHolder) -> bool:
    """Whether the one who used the line `before` may be the one who uses it `after`.

    Nobody grows younger. An account of another holder's name is somebody else's: there a holder who comes is another
    person, and whoever was none becomes one; on the account where they are, neither can be.
    """
    if after.role == Line.UserRole.MINOR:
        return before.role == Line.UserRole.MINOR
    if after.role != Line.UserRole.HOLDER:
        return True
    elsewhere = before.account_id != after.account_id and before.holder != after.holder
    return elsewhere != (before.role == Line.UserRole.HOLDER)


def get_line_holder(*, line: Line) -> LineHolder:
    """In whose hands a line is known to be."""
    return LineHolder(line.user_role, line.account_id, unseal(bytes(line.holder_name_sealed)))


def role_of(*, line: Line, said: str) -> str:
    """The role a row gives a line. An adult stays one: an old file must not hand what is theirs alone to others."""
    return line.user_role if said == Line.UserRole.MINOR else said


def continues(*, before: Line, line: Line) -> bool:
    """Whether `before` continues `line`, however far: if each continued the other, it would be its own past."""
    earlier: Line | None = before
    while earlier is not None and earlier.continues_line_id is not None:
        earlier = earlier.continues_line
        if earlier == line:
            return True
    return False


def list_news(*, line: Line, record: LineRecord, account: Account) -> dict[str, object]:
    """What a row says otherwise than it is known, by the columns that keep it."""
    said: dict[str, object] = {
        "user_role": role_of(line=line, said=record.user_role),
        "state": record.state,
        "language": record.language,
        "account": account,
    }
    news = {name: value for name, value in said.items() if getattr(line, name) != value}
    if unseal(bytes(line.holder_name_sealed)) != record.holder_name:
        news["holder_name_sealed"] = seal(record.holder_name)
    return news


def make_accounts(*, refs: Collection[str]) -> dict[str, Account]:
    """The accounts of these names, made where there are none yet."""
    Account.objects.bulk_create([Account(carrier_id=ref) for ref in sorted(refs)], ignore_conflicts=True)
    return {account.carrier_id: account for account in Account.objects.filter(carrier_id__in=refs)}
