"""The newest wins: whatever the order of delivery, with repeats, the end is the same."""

from itertools import count

from hypothesis import example, given
from hypothesis import strategies as st

from tests.properties import stories
from tests.sandbox.carrier import STOP_ALL, change, granted
from tests.sandbox.process import URI, Partner

SUBS = count()
STOP_ALLOW_STOP = [((1, 1), "stop"), ((1, 2), "allow"), ((1, 3), "stop")]

type Numbered = tuple[tuple[int, int], str]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Numbered]:
    """Every order of a stop/allow/stop, or of any other history, in any order, some of them again."""
    numbers = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=4, unique=True))
    kinds = draw(st.lists(st.sampled_from(["stop", "allow"]), min_size=len(numbers), max_size=len(numbers)))
    history = draw(st.sampled_from([STOP_ALLOW_STOP, [*zip(numbers, kinds, strict=True)]]))
    first = draw(st.permutations(history))
    return [*first, *draw(st.lists(st.sampled_from(history), max_size=3))]


@stories(40)
@given(came=deliveries())
@example(came=[*reversed(STOP_ALLOW_STOP), STOP_ALLOW_STOP[1]])
def test_any_order_of_delivery_ends_at_the_newest(shared: Partner, came: list[Numbered]) -> None:
    sub = f"k1.{next(SUBS)}"
    tokens: dict[tuple[int, int], str] = {}
    for (epoch, version), kind in came:
        allows = kind == "allow"
        claims = shared.carrier.claims(
            URI, sub=sub, epoch=epoch, version=version, jti=f"{sub}-{epoch}-{version}",
            state=[granted()] if allows else [],
            changes=[change("withdrawn", "granted") if allows else change("granted", "withdrawn")],
            required=[] if allows else STOP_ALL,
        )  # fmt: skip
        token = tokens.setdefault((epoch, version), shared.carrier.sign(claims))
        assert shared.push(token).status_code == 202
    (epoch, version), kind = max(came)
    (standing,) = [one for one in shared.get("/state") if one["sub"] == sub]
    assert (standing["epoch"], standing["version"]) == (epoch, version)
    assert bool(standing["allowed"]) == (kind == "allow")
    assert standing["in_use"] == 0 or kind == "allow"
    assert len([one for one in shared.get("/received") if one["sub"] == sub]) == len(came)
