"""What the gallery of components shows them with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

from accounts.forms import CodeForm, NumberForm
from consent.models import Origin
from consent.queries import order_words
from consent.queries.current_consent_uses import Proof
from consent.queries.progress import OrderState
from disclosures.queries import card_words
from revocations.queries.coverage import NOBODY, Company, Coverage
from support.queries.names import ORDER_TAGS

ICONS = "stop pause check alert leave globe clock download eye lock pin print key open"

_LONG = "Ünïcode & <b>markup</b> Incorporated International Holdings of a Very Long Name Indeed"


_MISSING = Coverage(missing=(Company("", _LONG),), unnamed=True)


def _order(state: str, *, unconfirmed: bool = False, owes: bool = True) -> OrderState:
    return OrderState(1, state, unconfirmed, overdue=False, owes_deletion=owes, owes=owes, coverage=_MISSING)


_AT = datetime(2026, 11, 24, 22, 0, 10, tzinfo=UTC)
_COMPANY = SimpleNamespace(id=1, name="GeoBridge", uri="https://geobridge.example")
_NOBODY = SimpleNamespace(id=0, name=_LONG, uri="https://long.example")
_LINE = SimpleNamespace(
    line=SimpleNamespace(public_id="11111111-1111-1111-1111-111111111111"), number="(206) 555-0142",
    relation="adult_user", zone_name="Pacific time", is_delegated=False, may=lambda _action: True,
)  # fmt: skip
_CHILD = SimpleNamespace(
    line=SimpleNamespace(public_id="22222222-2222-2222-2222-222222222222"), number="(206) 555-0143",
    relation="holder_of_minor", zone_name="Pacific time", is_delegated=False, may=lambda _action: False,
)  # fmt: skip
_READER = SimpleNamespace(pk=1)


_PROOF = Proof("agreed", _AT, method="sms", by="subscriber:1")
_ALLOWED = replace(_PROOF, kind="allowed", verified_by=Origin.PERSON)


def _build_alert(
    kind: str, *, not_allowed: bool = False, now: str = "", on: datetime | None = None, claimed: int = 0
) -> SimpleNamespace:
    return SimpleNamespace(
        kind=kind, not_allowed=not_allowed, now=now, company=_COMPANY, n=12, claimed=claimed, window=30, first_at=_AT,
        last_at=_AT, blocked_since=_AT if not_allowed else None, suspended_on=on, since=_AT.date(), until=_AT.date(),
        only=kind if not_allowed else "looked", is_old=kind == "dormant", no_authors=(),
    )  # fmt: skip


def _build_ended_agreement(
    state: str, *, use: str = "", by_term: bool = False, overdue: bool = False, behind: Coverage = NOBODY
) -> SimpleNamespace:
    return SimpleNamespace(
        company="GeoBridge", use=use, by_term=by_term, state=state, overdue=overdue, ended_at=_AT, signed_at=_AT,
        delete_by=_AT + timedelta(days=30), coverage=behind,
    )  # fmt: skip


def _chart() -> SimpleNamespace:
    weeks = tuple(
        SimpleNamespace(
            starts=date(2026, 9, 7) + timedelta(weeks=n), labelled=n % 4 == 0, middle=60 + 48 * n,
            counts=(n, 2), total=n + 2,
            bars=(
                SimpleNamespace(tint=0, x=45 + 48 * n, y=150 - 10 * n, width=30, height=10 * n),
                SimpleNamespace(tint=1, x=45 + 48 * n, y=130 - 10 * n, width=30, height=20),
            ),
        )
        for n in range(12)
    )  # fmt: skip
    return SimpleNamespace(
        width=640, height=180, left=36, right=632, foot=172, weeks=weeks,
        ticks=(SimpleNamespace(value=0, y=150, label_y=154), SimpleNamespace(value=10, y=50, label_y=54)),
        series=(
            SimpleNamespace(name="RoadAid", tint=0, other=False), SimpleNamespace(name="", tint=1, other=True),
        ),
    )  # fmt: skip


def _branch(kind: str, name: str, n: int, level: int, *below: SimpleNamespace, against: int = 0) -> SimpleNamespace:
    x = 10 + 20 * level
    bend = f"M{x - 20} 0C{x - 20} 50 {x - 20} 50 {x} 50"
    return SimpleNamespace(
        kind=kind, name=name, id=1, n=n, not_allowed=against, more=9, width=20 * (level + 1), dot=f"M{x} 50h0",
        above=(), arriving=SimpleNamespace(d=bend, width=8), against=against and SimpleNamespace(d=bend, width=4),
        below=below,
    )  # fmt: skip


_FLOW = SimpleNamespace(
    n=8, not_allowed=2,
    root=_branch(
        "carrier", "", 8, 0, _branch("party", "GeoBridge", 6, 1, _branch("party", _LONG, 6, 2)),
        _branch("others", "", 2, 1, _branch("next", "", 2, 2, against=2), against=2),
    ),
    rows=(
        SimpleNamespace(names=("GeoBridge", _LONG), more=0, n=6, not_allowed=0),
        SimpleNamespace(names=(None,), more=9, n=2, not_allowed=2),
    ),
)  # fmt: skip

SAMPLES = {
    "moment": _AT,
    "tags": (
        ("good", "You agreed", "check"),
        ("warn", "Only the company says so", "alert"),
        ("bad", "No record that you agreed", "alert"),
        ("plain", "You stopped it", "stop"),
    ),
    "tones": ("plain", "good", "warn", "bad"),
    "icons": tuple(ICONS.split()),
    "states": tuple(
        SimpleNamespace(state=state, allowed_companies=["RoadAid"], gate_is_open=True, is_suspended=False)
        for state in ("on", "partly")
    ),
    "trail": (
        SimpleNamespace(name="", role="carrier", lost=False),
        SimpleNamespace(name="NorthLink", role="aggregator", lost=False),
        SimpleNamespace(name=_LONG, role="service", lost=False),
        SimpleNamespace(name="", role="next", lost=True),
    ),
    "orders": (
        *(_order(state) for state in ("queued", "sent", "acknowledged", "completed", "partial")),
        *(_order(state) for state in ("parked", "rejected", "contradicted")),
        _order("queued", unconfirmed=True),
        _order("acknowledged", owes=False),
    ),
    "states_in_tags": (
        (card_words.ENDED, *(tag for _, tag in card_words.TAGS), card_words.SUSPENDED),
        (*order_words.TAGS.values(), *order_words.DELETION_TAGS.values(), order_words.LATE, order_words.UNCONFIRMED),
        tuple(ORDER_TAGS.values()),
    ),
    "line": _LINE,
    "lines": (_LINE, _CHILD),
    "reader": _READER,
    "card": SimpleNamespace(company=_COMPANY, dispute=("party", _COMPANY.uri)),
    "field": NumberForm({"number": "12"})["number"],
    "spent_code": SimpleNamespace(is_spent=True, non_field_errors=(CodeForm.too_many,)),
    "form": SimpleNamespace(non_field_errors=("Something does not fit together.",)),
    "spans": ((None, None), (0.2, 0.4), (3, 720), (7_200, 345_600)),
    "counts": tuple(SimpleNamespace(n=n, why=why) for n, why in ((1234, ""), (0, "few"), (0, "most"), (0, "held"))),
    "bars": (
        SimpleNamespace(
            label="GeoBridge", count=SimpleNamespace(n=1234, why=""),
            segments=(SimpleNamespace(tint="s0", x=0, width=700), SimpleNamespace(tint="s1", x=700, width=200)),
        ),
    ),
    "counted": SimpleNamespace(name="choices", query="SELECT count(*) FROM consent_choice"),
    "looked_after": SimpleNamespace(
        number="(206) 555-0144", relation="delegate_both",
        delegation=SimpleNamespace(ends_at=datetime(2027, 1, 31, 12, 0, tzinfo=UTC)),
    ),
    "methods": ("sms", "ivr", "web", "app", "paper"),
    "proofs": (
        Proof("none"), replace(_PROOF, kind="claimed"), _PROOF, replace(_PROOF, ended=True),
        replace(_PROOF, kept_stop=True), _ALLOWED, replace(_ALLOWED, expires_at=_AT + timedelta(days=30)),
        replace(_ALLOWED, verified_by=Origin.FILE),
    ),
    "ended": (
        _build_ended_agreement("owed"), _build_ended_agreement("owed", overdue=True),
        _build_ended_agreement("partial", use="RoadAid"), _build_ended_agreement("partial", behind=_MISSING),
        _build_ended_agreement("signed", by_term=True),
        _build_ended_agreement("contradicted", use=_LONG, by_term=True),
    ),
    "noticed": (
        _build_alert("after_stop", not_allowed=True, now="stopped"),
        _build_alert("no_approval", not_allowed=True, now="denied", on=_AT), _build_alert("burst"),
        _build_alert("night"), _build_alert("no_approval", not_allowed=True, now="suspended", claimed=4),
        # What is old comes last.
        _build_alert("dormant"),
    ),
    "instead": (_COMPANY, _NOBODY),
    "chart": _chart(),
    "flow": _FLOW,
}  # fmt: skip
