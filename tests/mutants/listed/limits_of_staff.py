"""What should end for staff, and does not; and what is left out of the trail or the roles."""

from tests.mutants.mutant import Mutant

DESK = "tests/support/test_exact_ends.py::"
FILES = "tests/support/test_case_files.py::"
TRAIL = "tests/support/test_acts_are_written_down.py::test_each_act_of_staff_is_in_the_trail"
WAITING = "tests/support/test_notifications.py::"

MUTANTS = (
    # A document that tells of acts on hidden rows
    Mutant(
        11,
        "console/queries/staff.py",
        "rows.exclude(LEGAL | acts_on_hidden(hidden=hidden))",
        "rows.exclude(acts_on_hidden(hidden=hidden))",
        "tests/support/test_documents.py::test_what_an_order_hides_is_in_no_document",
    ),
    # An act on an incident that an order hides
    Mutant(
        11,
        "console/queries/staff.py",
        "rows.exclude(LEGAL | acts_on_hidden(hidden=hidden))",
        "rows.exclude(LEGAL)",
        "tests/support/test_hidden_incidents.py::test_what_was_done_about_a_hidden_incident_is_in_no_log",
    ),
    # Told in quiet hours, or of one's own proposal
    Mutant(
        8,
        "console/workers/notifications.py",
        "first != last and (hour >= first or hour < last)",
        "first != last and hour >= first",
        f"{WAITING}test_an_email_counts_what_came_and_names_nobody",
    ),
    Mutant(
        8,
        "console/queries/notifications.py",
        ".exclude(proposed_by=reader)",
        "",
        f"{WAITING}test_the_page_lists_what_waits_and_leads_to_exactly_that",
    ),
    # An act that is not in the trail, or not in its person's own log
    Mutant(
        8,
        "support/actions/writing.py",
        '    record_case_act(ticket=found.ticket, action="ticket.file_seen", actor=name, at=at)\n',
        "",
        TRAIL,
    ),
    # A file of a case opens to whoever may reveal its person, and to who may not.
    Mutant(
        8,
        "support/actions/writing.py",
        "    if found.author != name and not is_shown(ticket=found.ticket, reader=name, at=at):\n",
        "    if found.author != name and not name:\n",
        f"{FILES}test_a_file_opens_only_while_its_person_is_revealed",
    ),
    Mutant(
        8,
        "support/queries/names.py",
        "    return shown_until(mine=mine, two=takes_two(line_id=ticket.line_id, at=at), at=at) is not None\n",
        "    return shown_until(mine=mine, two=False, at=at) is not None\n",
        f"{FILES}test_a_protected_line_s_files_take_two_people",
    ),
    Mutant(
        8,
        "support/actions/cases.py",
        'target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id, reason=why,',
        'target=f"ticket:{ticket.code}", at=at, reason=why,',
        TRAIL,
    ),
    Mutant(
        8,
        "support/actions/stop_for.py",
        "CALL_COUNTS = timedelta(minutes=30)",
        "CALL_COUNTS = timedelta(days=30)",
        f"{DESK}test_a_logged_call_proves_for_half_an_hour",
    ),
    Mutant(
        4,
        "support/domain/files.py",
        "            signal.setitimer(signal.ITIMER_REAL, PDF_LOOK_S)\n",
        "",
        "tests/support/test_writing.py::test_a_pdf_that_keeps_its_reader_busy_is_refused_in_time",
    ),
)
