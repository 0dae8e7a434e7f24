"""Three readings of one rule agree: the gate's row, the ledger's SQL, and the oracle's plain lists."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from audit.queries import database_clock
from consent.actions import choices
from consent.domain import snapshots
from consent.queries.permission import permission_at
from partners.models import Campaign
from tests.consent import oracle
from tests.consent.stories import (
    BAIL,
    JAIL,
    LATE,
    NOBODY,
    PARTIES,
    Event,
    Plan,
    build,
    by_gate,
    by_ledger,
    day,
    numbers_of,
    plans,
    question,
    requests,
)
from tests.factories import NOW, ROADSIDE, a_campaign, a_line, an_approval
from tests.gate_questions import judged
from tests.properties import stories, undone


@pytest.mark.django_db
@stories(120)
@given(plan=plans)
@example(
    plan=Plan(
        events=(
            Event("approval", 1, "campaign", 0, None, person=False),
            Event("stop", 2, "all", 0, None, person=True),
            Event("approval", 3, "campaign", 0, None, person=False),
        ),
        state="WA", contract_ends=None, kin=(), number_change=None, suspended="", deactivated=None,
    )
)  # fmt: skip
@example(
    plan=Plan(
        # The person's own yes outlasts the stop and ends; the file's, which is newer than both, still does not count.
        events=(
            Event("stop", 1, "all", 0, None, person=True),
            Event("allow", 2, "campaign", 0, 3, person=True),
            Event("approval", 3, "campaign", 0, None, person=False),
        ),
        state="WA", contract_ends=None, kin=(), number_change=None, suspended="", deactivated=None,
    )
)  # fmt: skip
def test_gate_ledger_and_oracle_agree(plan: Plan) -> None:
    with undone():
        line, world = build(plan)
        now = database_clock()
        asked = requests(world)
        expected = [oracle.answer(world, one, now) for one in asked]
        assert by_ledger(line, world, asked, now, now) == expected
        named = {"line": line.carrier_id}
        assert [by_gate(question(one, **named))[0] for one in asked] == expected
        own, other = numbers_of(plan)
        assert [by_gate(question(one, msisdn=own))[0] for one in asked[:: len(asked) // 8]] == (
            expected[:: len(asked) // 8]
        )
        # The statement for many: by each of the line's names, and by a number that says nothing of it now.
        many = [question(one, **how) for one in asked for how in (named, {"msisdn": own}, {"msisdn": other})]
        assert by_gate(*many) == [reason for one in expected for reason in (one, one, "line_unknown")]
        assert {by_gate(question(one, msisdn=other))[0] for one in asked[:2]} == {"line_unknown"}


@pytest.mark.django_db
def test_a_stop_on_one_recipient_leaves_another_of_the_campaign() -> None:
    events = (Event("allow", 1, "campaign", 3, None, person=True), Event("stop", 2, "party", 5, None, person=True))
    with undone():
        line, world = build(Plan(events, "WA", None, (), None, "", None))
        now = database_clock()
        asked = [
            one for one in requests(world) if one.campaign == "CMP-D" and one.precision_m and one.purpose == ROADSIDE
        ]
        expected = {
            "": "stopped_party", BAIL: "stopped_party", JAIL: "permitted", LATE: "stopped_party",
            "https://adreach.example": "stopped_party", "https://securetrack.example": "permitted",
            NOBODY: "stopped_party", "unknown": "stopped_party",
        }  # fmt: skip
        for reading in (
            [oracle.answer(world, one, now) for one in asked],
            by_ledger(line, world, asked, now, now),
            [by_gate(question(one, line=line.carrier_id))[0] for one in asked],
        ):
            assert dict(zip([one.recipient for one in asked], reading, strict=True)) == expected


@pytest.mark.django_db
@stories(60)
@given(plan=plans)
def test_partners_are_told_of_recipients_what_the_gate_says(plan: Plan) -> None:
    with undone():
        line, world = build(plan)
        now = database_clock()
        named = Campaign.objects.get(ref="CMP-D")
        told = snapshots.list_states(line_id=line.pk, contract_ids=[named.contract_id])[named.contract_id]
        excepted = [entry.get("except", []) for entry in told if entry["recipient"] == PARTIES[4]]
        own = world.campaigns["CMP-D"]
        as_agreed = oracle.Request("CMP-D", own.aggregator, own.provider, own.purpose, own.scope, 5000, own.provider)
        behind = oracle.kin(world, "party", own.reach) - oracle.kin(world, "party", [own.aggregator, own.provider])
        denied = {one for one in behind if oracle.answer(world, replace(as_agreed, recipient=one), now) != "permitted"}
        allowed = oracle.answer(world, as_agreed, now) == "permitted"
        assert excepted == ([sorted(denied)] if allowed else [])


@pytest.mark.django_db
@stories(80)
@given(plan=plans, moment=st.integers(0, 40))
def test_the_past_is_judged_alike(plan: Plan, moment: int) -> None:
    with undone():
        line, world = build(plan)
        at = day(moment)
        asked = requests(world)
        expected = [oracle.answer(world, one, at) for one in asked]
        assert by_ledger(line, world, asked, at, database_clock()) == expected


@pytest.mark.django_db
@stories(60)
@given(plan=plans)
def test_replaying_the_ledger_gives_the_same_gate_row(plan: Plan) -> None:
    with undone():
        line, _ = build(plan)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_jsonb(g) = to_jsonb(consent_replayed_gate(g.line_id))"
                " FROM consent_linegate g WHERE line_id = %s",
                [line.pk],
            )
            assert cursor.fetchone() == (True,)


@pytest.mark.django_db
def test_a_line_s_only_yes_counts_from_the_moment_it_was_on_record() -> None:
    line, campaign, recorded = a_line(), a_campaign(), NOW - timedelta(days=10)
    an_approval(line, campaign, recorded_at=recorded)

    def known(at: datetime) -> str:
        return permission_at(
            line_id=line.pk, campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope, at=recorded,
            parties=[campaign.contract.aggregator.uri, campaign.lbs_provider.uri], precision_m=500, known_at=at,
        )  # fmt: skip

    assert (known(recorded - timedelta(microseconds=1)), known(recorded)) == ("no_approval", "permitted")


@pytest.mark.django_db
def test_a_person_s_pause_ends_with_their_own_newer_yes_and_with_no_file_s(no_broker: None) -> None:
    line, campaign, day, tick = a_line(), a_campaign(), timedelta(days=1), timedelta(microseconds=1)
    an_approval(line, campaign)
    until = database_clock() + day
    paused = choices.pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web").made_at
    an_approval(line, campaign, at=paused + tick)
    allowed = choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web").made_at
    assert allowed > paused + tick
    moments = (paused - tick, paused, allowed - tick, allowed)
    assert [judged(line, campaign, at) for at in moments] == ["permitted", "paused", "paused", "permitted"]
