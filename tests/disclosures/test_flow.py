"""The picture of the paths: what is drawn, what is folded, and that nothing is lost or counted twice."""

from datetime import UTC, datetime

from disclosures.models import Basis, Judgement, Outcome
from disclosures.queries.flow import Branch, Flow, Stroke, flow_of
from disclosures.queries.release_counts import Facts
from disclosures.queries.trails import Parties

AT = datetime(2026, 11, 1, tzinfo=UTC)


def facts(*path: str, n: int = 1, recent: int = 0, judgement: str = "permitted", outcome: str = "released") -> Facts:
    return Facts(
        path, "", "", Basis.APPROVAL, outcome, judgement, doubtful=False, n=n, recent=recent, last_at=AT, finest_m=100,
        weeks={},
    )  # fmt: skip


def drawn(*seen: Facts, recent: bool = False) -> Flow:
    flow = flow_of(facts=seen, parties=Parties({}), recent=recent)
    assert flow is not None
    return flow


def outline(branch: Branch, depth: int = 0) -> list[str]:
    """Each row of the picture, indented as it is drawn."""
    who = branch.name if branch.kind == "party" else branch.more
    row = f"{'  ' * depth}{branch.kind} {who} {branch.n}/{branch.not_allowed}"
    return [row, *(line for one in branch.below for line in outline(one, depth + 1))]


def test_each_path_is_drawn_from_the_carrier_on() -> None:
    flow = drawn(
        facts("geo", "road", n=3), facts("geo", "skip", "unknown", n=2, judgement=Judgement.NO_APPROVAL),
        facts("north", "unknown", "bail"), facts("north"), facts("geo", "road", n=9, outcome=Outcome.REFUSED),
    )  # fmt: skip
    assert outline(flow.root) == [
        "carrier 0 7/2", "  party geo 5/2", "    party road 3/0", "    party skip 2/2", "      next 0 2/2",
        "  party north 2/0", "    lost 0 2/0", "      party bail 1/0",
    ]  # fmt: skip
    # What nobody allowed comes first.
    assert [(row.names, row.n, row.not_allowed) for row in flow.rows] == [
        (("geo", "skip", None), 2, 2), (("geo", "road"), 3, 0),
        (("north", None), 1, 0), (("north", None, "bail"), 1, 0),
    ]  # fmt: skip
    # A line is as wide as what it stands for, red as far as nobody allowed it, and as long as anything goes on.
    (geo, north), none = flow.root.below, Stroke(0, 4.0)
    assert (flow.root.arriving, flow.root.past, flow.root.onward) == (None, None, Stroke(14.0, 4.0))
    assert [(one.arriving, one.past, one.onward) for one in (geo, *geo.below, north)] == [
        (Stroke(10.0, 4.0), Stroke(4.0, 0), Stroke(10.0, 4.0)), (Stroke(6.0, 0), none, None),
        (none, None, none), (Stroke(4.0, 0), None, Stroke(4.0, 0)),
    ]  # fmt: skip


def test_only_what_is_recent_is_drawn_on_home_and_nothing_where_there_is_none() -> None:
    seen = [facts("geo", "road", n=9, recent=2), facts("geo", "past", n=5)]
    assert outline(drawn(*seen, recent=True).root) == ["carrier 0 2/0", "  party geo 2/0", "    party road 2/0"]
    assert flow_of(facts=seen[1:], parties=Parties({}), recent=True) is None


def test_beyond_a_dozen_paths_companies_are_counted_and_what_nobody_allowed_is_drawn() -> None:
    many = [facts("geo", f"service {number:03}", n=5) for number in range(200)]
    wrong = facts("north", "skip", judgement=Judgement.AFTER_STOP)
    flow = drawn(*many, wrong, *(facts(f"agg {number}", "one") for number in range(3)))
    assert (flow.n, flow.not_allowed, len(flow.rows)) == (1004, 1, 14)
    rows = outline(flow.root)
    assert rows[1:3] + rows[-4:] == [
        "  party geo 1000/0", "    party service 000 5/0",
        "    others 189 945/0", "  party north 1/1", "    party skip 1/1", "  others 1 3/0",
    ]  # fmt: skip


def test_a_path_that_goes_on_and_on_is_cut_and_says_how_many_follow() -> None:
    assert outline(drawn(facts("a", "b", "c", "d", "e", "f")).root)[-2:] == [
        "      party c 1/0",
        "        others 3 1/0",
    ]
