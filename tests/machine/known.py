"""Stories told on every change: each came upon something once, or lands where few others do, at an exact moment.

Hypothesis ends a failure with such steps (`state.stop(…)`): they are written down here as they are.
"""

from collections.abc import Callable
from datetime import timedelta

from tests.machine.carrier import DAY, HOUR, MINUTE, SERVICES
from tests.machine.everybody import Machine

NOW = timedelta(0)
ANA, BEN = 0, 1
# By their place among those that a choice may name, and those that end.
CMP_A, CMP_D, CMP_C, CMP_B = 0, 1, 2, 3
GEO_BRIDGE, ROAD_AID, JAIL, LATE = 0, 2, 6, 7
ROADSIDE_HELP = 0
FIRST = 0

type Known = Callable[[Machine], None]


def two_noes_of_one_moment(told: Machine) -> None:
    """The narrower of two stops of one moment is named, and the newer of two of others."""
    told.a_file_brings_two_of_one_moment("stop", "stop", ANA, NOW, "all", "campaign", CMP_A, None)
    told.a_file_brings_two_of_one_moment("stop", "stop", BEN, HOUR, "party", "purpose", CMP_A, None)
    told.a_file_brings("stop", BEN, MINUTE, "all", CMP_A, None)


def a_yes_and_a_no_of_one_moment(told: Machine) -> None:
    """A file's yes outweighs a stop only where it is later; where a later one has ended, it does not come back."""
    told.a_file_brings_two_of_one_moment("approval", "stop", ANA, DAY, "campaign", "all", CMP_A, None)
    told.a_file_brings("approval", ANA, MINUTE, "campaign", CMP_A, HOUR)
    told.a_file_brings_two_of_one_moment("pause", "approval", BEN, MINUTE, "all", "campaign", CMP_D, HOUR)
    told.an_end_comes(FIRST, NOW)
    told.time_passes(HOUR)
    told.all_jobs_run()


def a_file_is_not_the_person(told: Machine) -> None:
    """What a file says later does not outweigh what the person said."""
    told.stop(ANA, "campaign", CMP_A, never_agreed=False)
    told.pause(BEN, "all", FIRST, HOUR)
    told.time_passes(MINUTE)
    told.a_file_brings("approval", ANA, NOW, "campaign", CMP_A, None)
    told.a_file_brings("approval", BEN, NOW, "campaign", CMP_A, None)
    told.allow(ANA, "CMP-A", MINUTE)
    told.an_end_comes(FIRST, NOW)
    told.all_jobs_run()


def a_stop_comes_late_at_the_moment_of_a_release(told: Machine) -> None:
    """It is written down a moment after the yes of now, and so ahead of the clock by which the release is judged."""
    told.a_file_brings("approval", ANA, NOW, "campaign", CMP_A, None)
    told.a_file_brings("stop", ANA, DAY, "all", FIRST, None)
    told.all_jobs_run()


def a_rule_begins_and_ends(told: Machine) -> None:
    """It counts from its moment on, and at its end no more; what was released then is judged so."""
    told.release(ANA, "CMP-B", "", "own", NOW)
    told.add_a_rule("WA", NOW, None, money_alone=False)
    told.all_jobs_run()
    told.time_passes(HOUR)
    told.release(ANA, "CMP-B", "", "none", NOW)
    told.relax_a_rule(FIRST, NOW)
    told.all_jobs_run()


def a_suspension_begins_and_ends(told: Machine) -> None:
    """One officer begins it, two end it."""
    told.release(ANA, "CMP-A", "", "own", NOW)
    told.suspend(("contract", "AGR-1"))
    told.one_officer_alone_lifts_nothing(FIRST)
    told.all_jobs_run()
    told.stop(BEN, "campaign", CMP_A, never_agreed=False)
    told.lift(FIRST)
    told.all_jobs_run()
    told.suspend(("party", SERVICES["RoadAid"]))
    told.lift(FIRST)
    told.suspend(("party", SERVICES["RoadAid"]))
    told.all_jobs_run()


def an_agreement_ends_at_the_moment_of_a_release(told: Machine) -> None:
    told.release(ANA, "CMP-A", "", "own", NOW)
    told.release(BEN, "CMP-D", "BailNow", "own", NOW)
    told.terminate(("campaign", "CMP-B"))
    told.terminate(("contract", "AGR-1"))
    told.shorten(("campaign", "CMP-D"), MINUTE)
    told.all_jobs_run()
    told.an_end_comes(FIRST, NOW)
    told.release(BEN, "CMP-D", "", "none", NOW)
    told.all_jobs_run()


def a_pause_ends_at_its_moment(told: Machine) -> None:
    told.release(ANA, "CMP-D", "BailNow", "own", NOW)
    told.pause(ANA, "all", FIRST, MINUTE)
    told.push("NorthLink", "takes it")
    told.pause(BEN, "campaign", CMP_A, MINUTE)
    told.an_end_comes(FIRST, NOW)
    told.all_jobs_run()
    told.release(ANA, "CMP-A", "", "none", 0)
    told.all_jobs_run()


def what_a_court_hid_comes_to_light(told: Machine) -> None:
    told.hidden_release(ANA, "CMP-D", "Late", NOW, HOUR, look=True)
    told.stop(ANA, "party", LATE, never_agreed=False)
    told.all_jobs_run()
    told.an_end_comes(FIRST, NOW)
    told.all_jobs_run()
    told.stop(ANA, "campaign", CMP_D, never_agreed=False)
    told.push("NorthLink", "takes it")
    told.sign(0, "completed", "all", "")


def a_partner_signs_in_part_and_then_all(told: Machine) -> None:
    told.release(ANA, "CMP-D", "BailNow", "own", NOW)
    told.stop_without_an_account(ANA)
    told.push("NorthLink", "answers 500 and keeps nothing")
    told.open_the_link_of_a_stop(FIRST)
    told.time_passes(16 * MINUTE)
    told.push("NorthLink", "answers 202 with a page of its proxy")
    told.open_the_link_of_a_stop(FIRST)
    told.time_passes(16 * MINUTE)
    told.push("NorthLink", "keeps it, but its answer is lost")
    told.open_the_link_of_a_stop(FIRST)
    told.poll("NorthLink", 10, ack=True)
    told.sign(0, "completed", "nobody, it says they did", "")
    told.open_the_link_of_a_stop(FIRST)
    told.sign(0, "completed", "all", "older version")
    told.sign(0, "completed", "all", "")
    told.look_at_a_choice(FIRST)
    told.a_receipt_comes_again(FIRST)
    told.stop(ANA, "campaign", CMP_A, never_agreed=True)
    told.push("GeoBridge", "takes it")


def what_is_owed_is_asked_again(told: Machine) -> None:
    """Until it is signed as done, also where the person allows something meanwhile."""
    told.stop(ANA, "purpose", ROADSIDE_HELP, never_agreed=False)
    told.push("GeoBridge", "takes it")
    told.time_passes(MINUTE)
    told.allow(ANA, "CMP-A", None)
    told.pause(ANA, "party", GEO_BRIDGE, HOUR)
    told.stop(ANA, "all", FIRST, never_agreed=False)
    told.push("GeoBridge", "takes it")
    told.sign(0, "completed", "all", "")
    told.time_passes(MINUTE)
    told.allow(ANA, "CMP-A", None)
    told.all_jobs_run()


def a_number_goes_to_another(told: Machine) -> None:
    """What came by it since then is the other's, also where that is heard late."""
    told.a_file_brings("approval", ANA, HOUR, "campaign", CMP_C, None)
    told.release(ANA, "CMP-A", "", "none", HOUR)
    told.a_number_changes(ANA, "+12065550203", HOUR)
    told.a_line_begins("+12065550201", HOUR, -1)
    told.all_jobs_run()
    told.an_old_row_of_a_line_comes_again(FIRST)
    told.a_number_changes(BEN, "+12065550204", NOW)
    told.a_file_brings("approval", BEN, NOW, "campaign", CMP_A, None)
    told.release(BEN, "CMP-A", "", "own", NOW)
    told.all_jobs_run()


def a_line_continues_another(told: Machine) -> None:
    told.stop(ANA, "campaign", CMP_A, never_agreed=False)
    told.a_file_brings("stop", ANA, HOUR, "purpose", 2, None)
    told.time_passes(HOUR)
    told.a_file_brings("stop", ANA, NOW, "purpose", 1, None)
    told.a_line_begins("+12065550205", NOW, ANA)
    told.a_file_brings("approval", "+12065550205", NOW, "campaign", CMP_A, None)
    told.a_line_ends(ANA, NOW)
    told.all_jobs_run()


def a_company_is_another_s_successor(told: Machine) -> None:
    told.stop(ANA, "party", JAIL, never_agreed=False)
    told.link("party", ROAD_AID, JAIL, same=True)
    told.all_jobs_run()
    told.link("campaign", CMP_C, CMP_A, same=False)
    told.stop(BEN, "campaign", CMP_A, never_agreed=False)
    told.all_jobs_run()


KNOWN: tuple[Known, ...] = (
    two_noes_of_one_moment, a_yes_and_a_no_of_one_moment, a_file_is_not_the_person,
    a_stop_comes_late_at_the_moment_of_a_release, a_rule_begins_and_ends, a_suspension_begins_and_ends,
    an_agreement_ends_at_the_moment_of_a_release, a_pause_ends_at_its_moment, what_a_court_hid_comes_to_light,
    a_partner_signs_in_part_and_then_all, what_is_owed_is_asked_again, a_number_goes_to_another,
    a_line_continues_another, a_company_is_another_s_successor,
)  # fmt: skip


def tell(known: Known) -> None:
    """Tell one of them. What fails in it ends with the story up to there."""
    told = Machine()
    try:
        known(told)
    finally:
        told.teardown()
