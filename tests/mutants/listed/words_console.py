"""What staff read: what an act says once it is done or refused, lists with nothing in them, states seldom seen."""

from tests.mutants.mutant import Mutant

PAGES = "tests/words/test_every_page.py::"
CONSOLE = f"{PAGES}test_pages_of_the_console"
CONSOLE_ACTS = f"{PAGES}test_what_the_console_says_of_each_act"
CARRIER_FILE = "tests/words/test_carrier_files.py::test_a_carrier_file_from_its_dry_run_to_its_end"
DESK_ACTS = f"{PAGES}test_what_the_desk_says_of_each_act"

MUTANTS = (
    Mutant(
        8,
        "support/views/case.py",
        'done=_("Request sent. The case is waiting for the partner.")',
        'done=_("On its way.")',
        DESK_ACTS,
    ),
    Mutant(
        8,
        "support/views/case.py",
        'done=_("Agreed. They see it for 15 minutes.")',
        'done=_("Shown for 15 minutes.")',
        DESK_ACTS,
    ),
    Mutant(
        8, "support/views/case.py", 'title=_("Change the priority")', 'title=_("Change the case\'s status")', DESK_ACTS
    ),
    Mutant(
        8,
        "support/views/case.py",
        'done=_("Proposed. Another officer must agree within 7 days.") if ends else _("Protected.")',
        'done=_("Protected.")',
        DESK_ACTS,
    ),
    Mutant(8, "support/views/case.py", 'Nobody of us can allow anything."', '"', DESK_ACTS),
    Mutant(
        8,
        "support/actions/cases.py",
        'raise NotNow(_("The privacy office already has it."))',
        'raise NotNow(_("This case is done. Reopen it first."))',
        DESK_ACTS,
    ),
    Mutant(
        8,
        "support/actions/queue.py",
        'raise NotNow("That is the same case.")',
        'raise NotNow("There is no such case.")',
        DESK_ACTS,
    ),
    Mutant(
        8,
        "support/actions/queue.py",
        'raise NotNow(f"{get_staff_name(user=ticket.assignee)} has it.")',
        'raise NotNow("The privacy office has it.")',
        DESK_ACTS,
    ),
    Mutant(
        8,
        "support/actions/escalation.py",
        "body=f\"Asked for proof: {', '.join(partners)}. {why}\"",
        'body=f"Asked for proof. {why}"',
        DESK_ACTS,
    ),
    Mutant(
        8,
        "support/actions/escalation.py",
        'raise NotNow(_("It is already decided."))',
        'raise NotNow(_("There is no such company."))',
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/acts.py",
        "REFUSED = (NotOpen, NotNow, cases.NotNow, ",
        "REFUSED = (NotOpen, NotNow, ",
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/acts.py",
        "    messages.success(request, act.done if isinstance(act.done, str) else act.done(result))\n",
        "",
        CONSOLE_ACTS,
    ),
    Mutant(9, "console/views/acts_partners.py", "        done=SUSPENDED,\n", "        done=TWO,\n", CONSOLE_ACTS),
    Mutant(
        9,
        "console/views/acts_partners.py",
        '"Linked. Stops of one now apply to the other." if new else "They are already linked."',
        '"Linked. Stops of one now apply to the other."',
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/acts_delivery.py",
        '"Paused. We notified the partner."',
        '"Enabled. Waiting orders are being sent."',
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/acts_rules.py",
        'else "Saved. It applies from the next search."',
        'else "Proposed. It takes effect when another officer agrees, within 7 days."',
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/acts_partners.py",
        '"Proposed. Another officer must agree." if form.proposes else "Terminated."',
        '"Terminated."',
        CONSOLE_ACTS,
    ),
    Mutant(
        7,
        "console/views/requests.py",
        "'it arrives' if result.waiting == 1 else 'they arrive'",
        "'it arrives'",
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/views/imports.py",
        "PROPOSED if isinstance(made, Proposal) else",
        "PROPOSED if not isinstance(made, Proposal) else",
        CONSOLE_ACTS,
    ),
    Mutant(
        9,
        "console/actions/incidents.py",
        'raise NotNow("This incident is closed. It reopens if it happens again.")',
        'raise NotNow("This incident is already closed.")',
        CONSOLE_ACTS,
    ),
    Mutant(9, "support/queries/history.py", '    "relaxed": "end agreed",\n', '    "relaxed": "made",\n', CONSOLE_ACTS),
    Mutant(
        9,
        "console/queries/proposals.py",
        "will be answered again, as its contracts and people's choices allow, immediately.",
        "will be terminated permanently.",
        CONSOLE_ACTS,
    ),
    Mutant(9, "console/views/lists_delivery.py", 'empty=("No API clients", ', 'empty=("No keys", ', CONSOLE),
    Mutant(9, "console/views/test_lines.py", 'empty=("No test lines", ', 'empty=("No documents", ', CONSOLE),
    Mutant(
        9,
        "templates/admin/import.html",
        "{% if one.tries > 1 %} The import was interrupted and began again.{% endif %}",
        "",
        CARRIER_FILE,
    ),
    Mutant(
        9,
        "templates/admin/import.html",
        "{% if one.decided_at %}Rows imported before that stay. {% else %}Nothing was imported. {% endif %}",
        "Nothing was imported. ",
        CARRIER_FILE,
    ),
    Mutant(
        9,
        "templates/admin/import.html",
        "{% if one.loosens %}The import takes two officers.{% endif %}",
        "The import takes two officers.",
        CARRIER_FILE,
    ),
    Mutant(
        9,
        "templates/admin/import.html",
        '{% if one.decided_at and one.state != "imported" %} in the dry run{% endif %}',
        " in the dry run",
        CARRIER_FILE,
    ),
    Mutant(
        9,
        "templates/admin/import.html",
        '{% if one.state == "imported" %}Changes, as the dry run found them{% else %}What it would change{% endif %}',
        "What it would change",
        CARRIER_FILE,
    ),
    Mutant(
        9,
        "templates/admin/import.html",
        '{% if one.feed == "disclosures" %}imported before{% elif one.tries > 1 %}',
        "{% if one.tries > 1 %}",
        CARRIER_FILE,
    ),
    Mutant(7, "templates/admin/delayed.html", "hides nothing now", "hides 1", CONSOLE_ACTS),
    Mutant(7, "templates/admin/delayed.html", ", until further order", "", CONSOLE_ACTS),
    Mutant(
        9,
        "templates/admin/act.html",
        '    <p class="o-note">You can view this page but not make changes.</p>\n',
        "",
        CONSOLE,
    ),
)
