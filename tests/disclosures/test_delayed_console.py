"""Delayed-notice orders by the role that handles them, and by nobody else; nothing of it shows anywhere else."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from accounts.models import Line
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from audit.queries import database_clock, events_of_line
from disclosures import actions
from disclosures.actions import DelayedNoticeResult, NothingHidden, restore_order
from disclosures.domain.ingest.rows import id_of
from disclosures.models import DelayedNotice, HeldNotice
from disclosures.queries.delayed import DelayedOrder, delayed_orders, find_hiding_notice, is_hidden_until
from disclosures.queries.visible import visible
from partners.models import Dealing
from tests.feeds import line_row, release_row, take_lines, take_parties, take_releases
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.staff import an_actor
from tests.support.officers import Member, confirmed, post, shown, staff

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def world(db: None, no_broker: None) -> None:
    del db, no_broker
    take_parties()
    take_lines(line_row())


def seen() -> list[str]:
    at = database_clock()
    return sorted(row.source_id for line in Line.objects.all() for row in visible(line_id=line.pk, at=at))


def delay(
    *source_ids: str, legal: str, days: int | None = 30, ref: str = "26-mc-7", awaited: bool = False
) -> DelayedNoticeResult:
    now = database_clock()
    until = None if days is None else now + days * DAY
    return actions.delay_notice(
        order_ref=ref, suppressed_until=until, source_ids=source_ids, actor=legal, reason="Served today", at=now,
        awaited=awaited,
    )  # fmt: skip


def lift(*source_ids: str, legal: str, ref: str = "26-mc-7") -> DelayedNoticeResult:
    return actions.lift_notice(order_ref=ref, source_ids=source_ids, actor=legal, reason="Vacated", at=database_clock())


def looked_at(legal: str, ref: str | None = None) -> list[DelayedOrder]:
    return actions.view_delayed_orders(actor=legal, reason="Weekly check", at=database_clock(), order_ref=ref)


def test_rows_are_hidden_renewed_and_shown_again_by_their_order() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="a"), release_row(id="b"), release_row(id="c"))
    assert delay("a", "b", legal=legal) == DelayedNoticeResult(changed=2, waiting=0)
    assert seen() == ["c"]
    assert delay(legal=legal, days=None) == DelayedNoticeResult(changed=2, waiting=0)
    (order,) = looked_at(legal)
    assert (order.order_ref, order.hidden_count, order.until) == ("26-mc-7", 2, None)
    assert {(row.source_id, row.hidden, row.arrived) for row in order.rows} == {("a", True, True), ("b", True, True)}
    lift("a", legal=legal)
    assert (seen(), looked_at(legal)[0].hidden_count) == (["a", "c"], 1)
    lift(legal=legal)
    assert (seen(), looked_at(legal)[0].hidden_count) == (["a", "b", "c"], 0)
    assert delay("a", legal=legal, days=None) == DelayedNoticeResult(changed=1, waiting=0), (
        "an order of the court, as it was before"
    )
    assert seen() == ["b", "c"]
    # Its last end is the order's.
    for source_id, days in (("b", 10), ("c", 30)):
        delay(source_id, legal=legal, days=days, ref="26-mc-9")
    (order,) = looked_at(legal, "26-mc-9")
    assert order.until is not None
    assert (order.until - database_clock()).days == 29


def test_an_id_that_the_order_does_not_hide_lifts_nothing() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="a"), release_row(id="b"))
    delay("a", legal=legal)
    for mistyped in ("b", "A"):
        with pytest.raises(NothingHidden, match=rf"^This order doesn't hide {mistyped}\. Nothing was lifted"):
            lift("a", mistyped, legal=legal)
    assert seen() == ["b"]


def test_a_row_that_comes_later_is_hidden_on_arrival() -> None:
    legal = an_actor("legal")
    assert delay("late", legal=legal, awaited=True) == DelayedNoticeResult(changed=0, waiting=1)
    (order,) = looked_at(legal, "26-mc-7")
    assert [(row.source_id, row.hidden, row.arrived) for row in order.rows] == [("", True, False)]
    take_releases(release_row(id="late"))
    assert (seen(), Dealing.objects.exists(), HeldNotice.objects.exists()) == ([], False, False)
    lift(legal=legal)
    assert (seen(), Dealing.objects.exists()) == (["late"], True)


def test_a_release_that_waits_for_its_line_needs_no_further_step() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="held", msisdn="+12065550199"))
    assert delay("held", legal=legal) == DelayedNoticeResult(changed=0, waiting=1)
    take_lines(line_row(line_id="L2", msisdn="+12065550199"))
    assert seen() == []


def test_one_order_does_not_lift_another_s() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="a"))
    delay("a", legal=legal)
    delay("a", legal=legal, ref="other")
    assert lift(legal=legal, ref="other").still_hidden == 1
    assert (seen(), looked_at(legal, "26-mc-7")[0].hidden_count) == ([], 1)
    assert lift(legal=legal).still_hidden == 0
    assert (seen(), looked_at(legal, "26-mc-7")[0].hidden_count) == (["a"], 0)


@pytest.mark.parametrize("ids", [["a"], []])
@pytest.mark.parametrize("has_arrived", [True, False])
def test_an_order_that_another_followed_is_lifted_for_good(ids: list[str], has_arrived: bool) -> None:
    """A court that lifts the first while the second runs has lifted it also for when the second ends."""
    legal = an_actor("legal")
    if has_arrived:
        take_releases(release_row(id="a"))
    delay("a", legal=legal, awaited=True)
    delay("a", legal=legal, ref="other", awaited=True)
    lifted = lift(*ids, legal=legal)
    assert (lifted.changed, lifted.waiting, lifted.still_hidden) == (int(has_arrived), int(not has_arrived), 1)
    with pytest.raises(NothingHidden):
        lift(*ids, legal=legal)
    take_releases(release_row(id="a"))
    assert (seen(), [one.order_ref for one in looked_at(legal) if one.hidden_count]) == ([], ["other"])
    assert lift(*ids, legal=legal, ref="other").still_hidden == 0
    assert seen() == ["a"]


def test_what_hides_a_release_besides_an_order_is_the_last_word_of_another_to_its_end() -> None:
    legal, own, b = an_actor("legal"), "26-mc-7", id_of("b")
    take_releases(release_row(id="a"), release_row(id="b"))
    delay("a", legal=legal)
    delay("b", legal=legal, ref="other")
    now = database_clock()
    assert find_hiding_notice(disclosure_id=id_of("a"), besides=own, at=now) is None
    hiding = find_hiding_notice(disclosure_id=b, besides=own, at=now)
    assert hiding is not None
    until = hiding.suppressed_until
    assert until is not None
    assert ends_at(lambda at: find_hiding_notice(disclosure_id=b, besides=own, at=at) is not None, until)
    assert ends_at(lambda at: delayed_orders(at=at, order_ref="other")[0].hidden_count == 1, until)
    assert begins_at(lambda at: not is_hidden_until(disclosure_id=b, until=at), until + A_MOMENT)
    assert not is_hidden_until(disclosure_id=b, until=None)
    lift(legal=legal, ref="other")
    assert find_hiding_notice(disclosure_id=b, besides=own, at=now + DAY) is None


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize(("said", "lost", "holds"), [(None, 1, None), (30, 1, 30), (1, 30, 30), (30, None, None)])
def test_a_lost_order_shortens_none_given_since(
    said: int | None, lost: int | None, holds: int | None, arrived: bool
) -> None:
    now = database_clock()
    if arrived:
        take_releases(release_row(id="a"))
    delay("a", legal=an_actor("legal"), days=said, ref="since", awaited=True)
    lost_until = None if lost is None else now + lost * DAY
    again = restore_order(disclosure_id=id_of("a"), suppressed_until=lost_until, order_ref="lost", at=database_clock())
    notices: list[DelayedNotice | HeldNotice] = [*DelayedNotice.objects.order_by("number")]
    newest = (notices or [*HeldNotice.objects.order_by("number")])[-1]
    until = newest.suppressed_until
    assert (again, newest.order_ref) == (True, "since" if holds == said else "lost")
    assert (until and (until - now).days) == holds


def test_nobody_else_sees_or_changes_that_there_is_one() -> None:
    take_releases(release_row(id="a"))
    delay("a", legal=an_actor("legal"))
    others = [an_actor(role) for role in ("officer", "agent", "auditor", "subscriber")]
    count = AuditEvent.objects.count()
    for other in others:
        with pytest.raises(StaffOnly):
            looked_at(other)
        with pytest.raises(StaffOnly):
            delay("a", legal=other)
        with pytest.raises(StaffOnly):
            lift("a", legal=other)
    assert (AuditEvent.objects.count(), DelayedNotice.objects.count(), seen()) == (count, 1, [])


def test_every_look_is_written_down_for_staff_alone() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="a"))
    before = list(events_of_line(line_id=Line.objects.get().pk, reader=""))
    delay("a", legal=legal)
    looked_at(legal)
    looked_at(legal, "26-mc-7")
    lift(legal=legal)
    events = AuditEvent.objects.filter(actor=legal).order_by("id")
    assert [(one.action, one.reason, one.line_id) for one in events] == [
        ("legal.delayed", "Served today", None),
        ("legal.delayed_seen", "Weekly check", None),
        ("legal.delayed_seen", "Weekly check", None),
        ("legal.lifted", "Vacated", None),
    ]
    assert not any("26-mc-7" in one.target for one in events)
    assert len({one.target for one in events}) == 2
    assert list(events_of_line(line_id=Line.objects.get().pk, reader="")) == before


def test_what_makes_no_sense_is_refused_with_a_reason() -> None:
    legal = an_actor("legal")
    take_releases(release_row(id="a"))
    senseless: tuple[Callable[[], DelayedNoticeResult], ...] = (
        lambda: delay("a", legal=legal, days=0),
        lambda: delay("a", legal=legal, ref=""),
        lambda: delay(legal=legal),
    )
    for make in senseless:
        with pytest.raises(NothingHidden):
            make()
    with pytest.raises(NothingHidden):
        lift("a", legal=legal)
    with pytest.raises(NoReason):
        actions.view_delayed_orders(actor=legal, reason=" ", at=database_clock())
    assert (seen(), DelayedNotice.objects.exists()) == (["a"], False)


def test_an_order_for_a_mistyped_id_hides_nothing() -> None:
    legal = staff("legal")
    take_releases(release_row(id="a"), release_row(id="b"))
    typed = {"order_ref": "26-mc-7", "open_end": "on", "disclosures": "a\nB"}
    told = shown(legal, "/admin/delayed/hide/", typed)
    assert (
        "No such release: B. Nothing is hidden, the others that you named included. Check each id. If a release is"
        " still to arrive, say so by “Hide a future release”."
    ) in told
    assert "Hidden." not in told
    assert (seen(), DelayedNotice.objects.exists(), HeldNotice.objects.exists()) == (["a", "b"], False, False)
    assert not AuditEvent.objects.filter(action="legal.delayed").exists()
    many = shown(legal, "/admin/delayed/hide/", typed | {"disclosures": "\n".join(f"x{n}" for n in range(7))})
    assert "No such release: x0, x1, x2, x3, x4 and 2 more. Nothing is hidden. Check each id. If" in many
    for alone in ("B", "B\nB"):
        assert "No such release: B. Nothing is hidden. Check the id. If" in shown(
            legal, "/admin/delayed/hide/", typed | {"disclosures": alone}
        )


def test_what_came_of_an_order_is_told_in_numbers() -> None:
    legal = staff("legal")
    take_releases(release_row(id="a"), release_row(id="b"))
    typed = {"order_ref": "26-mc-7", "open_end": "on", "disclosures": "a\nb"}

    def told_after(path: str, **changed: str) -> str:
        assert post(legal, path, typed | changed) == "/admin/delayed/"
        return shown(legal, "/admin/delayed/")

    assert "Nothing has been hidden." in shown(legal, "/admin/delayed/", {"reason": "Weekly check"})
    assert "2 releases hidden." in told_after("/admin/delayed/hide/")
    assert "Nothing changed: these releases are already hidden this way." in told_after(
        "/admin/delayed/hide/", disclosures="a"
    )
    assert "Hide a future release" in shown(legal, "/admin/delayed/")
    awaited = told_after("/admin/delayed/await/", disclosures="late", order_ref="26-mc-8")
    assert "1 not arrived yet: hidden as it arrives." in awaited
    take_releases(release_row(id="late"))
    assert seen() == []


def test_all_that_an_order_hides_is_lifted_only_by_whoever_read_how_much_that_is() -> None:
    legal, where = staff("legal"), "/admin/delayed/lift/"
    take_lines(line_row(line_id="L2", msisdn="+12065550199"))
    take_releases(
        release_row(id="a"), release_row(id="b"), release_row(id="c", msisdn="+12065550199"), release_row(id="d")
    )
    delay("a", "b", "c", legal=legal.actor)
    delay("late", legal=legal.actor, awaited=True)
    delay("d", legal=legal.actor, ref="other")
    order = {"order_ref": "26-mc-7", "disclosures": ""}
    for _ in range(2):
        assert (
            "Lift an order: what it shows You named no release, so everything that 26-mc-7 hides will be shown to its"
            " subscribers, marked as told late. Releases that another order hides stay hidden. Releases 3"
            " Lines they are about 2 Releases that haven't arrived yet 1 Lift"
        ) in shown(legal, where, order)
    # To have read it of another order, or what it was before, is not to have read it.
    others = seal_of(legal, order | {"order_ref": "other"})
    assert "You named no release" in shown(legal, where, order | {"seen": others})
    before = seal_of(legal, order)
    assert post(legal, where, order | {"disclosures": "a"}) == "/admin/delayed/"
    assert '<p class="o-note success">1 release lifted.</p>' in page_of(legal)
    assert "Releases 2" in shown(legal, where, order | {"seen": before})
    assert seen() == ["a"]
    assert confirmed(legal, where, order) == "/admin/delayed/"
    assert (
        '<p class="o-note success">2 releases lifted. 1 not arrived yet: no longer hidden on arrival.</p>'
    ) in page_of(legal)
    assert seen() == ["a", "b", "c"]
    assert "This order hides nothing now. Check the court's reference." in shown(legal, where, order)
    told = "This order hides none of these releases now. Check each id."
    assert told in shown(legal, where, order | {"disclosures": "a"})
    # Each look at how much is as much on record as what was done.
    assert AuditEvent.objects.filter(actor=legal.actor, action="legal.delayed_seen").count() == 9


def test_what_changed_nothing_is_not_told_as_a_success() -> None:
    legal, order = staff("legal"), {"order_ref": "26-mc-7", "open_end": "on", "disclosures": "a"}
    take_releases(release_row(id="a"))
    for told in (
        '<p class="o-note success">1 release hidden.</p>',
        '<p class="o-note info">Nothing changed: these releases are already hidden this way.</p>',
    ):
        assert post(legal, "/admin/delayed/hide/", order) == "/admin/delayed/"
        assert told in page_of(legal)


def page_of(legal: Member) -> str:
    return str(legal.client.get("/admin/delayed/").content.decode())


def seal_of(legal: Member, form: Mapping[str, str]) -> str:
    page = legal.client.post("/admin/delayed/lift/", {"reason": "Vacated", **form}).content.decode()
    return str(page.partition('name="seen" value="')[2].partition('"')[0])
