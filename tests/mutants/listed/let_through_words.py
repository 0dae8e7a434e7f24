"""What no test noticed once of words: rare states of pages, and words that take something back."""

from tests.mutants.mutant import Mutant

SELDOM = "tests/words/test_every_page.py::test_pages_in_states_that_are_seldom"
CASES = "tests/words/test_every_page.py::test_pages_of_the_desk_in_states_that_are_seldom"
CROWD = "tests/words/test_companies.py::test_every_page_says_what_it_said"
CONSOLE = "tests/words/test_every_page.py::test_pages_of_the_console"

MUTANTS = (
    Mutant(
        6,
        "templates/history/history.html",
        '{% if filters.before or filters.month %}<a class="button"',
        '{% if page.older %}<a class="button"',
        SELDOM,
    ),
    Mutant(
        6,
        "disclosures/queries/card_words.py",
        'gettext_lazy("We suspended it for you")',
        'gettext_lazy("We suspended this partner")',
        SELDOM,
    ),
    Mutant(
        6,
        "disclosures/queries/alert_words.py",
        '"%(shown)s look-ups after we suspended it.", alert.n',
        '"%(shown)s look-ups after you said stop.", alert.n',
        SELDOM,
    ),
    Mutant(
        6,
        "disclosures/queries/count_words.py",
        '"Other companies asked through it %(shown)s times and were refused."',
        '"Other companies asked on its behalf %(shown)s times and were refused."',
        CROWD,
    ),
    Mutant(
        8,
        "templates/desk/_about.html",
        '== "emergency" %}{% translate "an emergency call" %}',
        '== "emergency" %}{% translate "a lawful order" %}',
        CASES,
    ),
    Mutant(
        8,
        "templates/desk/_about.html",
        '{% translate "says that it has none" as words %}',
        '{% translate "says that it has proof" as words %}',
        CASES,
    ),
    Mutant(
        8,
        "templates/desk/_about.html",
        '{% if one.by_partner %}{% translate "the company\'s word alone"',
        '{% if not one.by_partner %}{% translate "the company\'s word alone"',
        CASES,
    ),
    Mutant(
        8,
        "templates/desk/_person.html",
        '{% translate "Line of a minor, number hidden" %}',
        '{% translate "Line of an adult user, number hidden" %}',
        CASES,
    ),
    Mutant(8, "templates/desk/_counts.html", "{% at_most counts.overdue %}", "{% at_most counts.mine %}", CASES),
    Mutant(
        8,
        "templates/desk/case.html",
        '{% translate "Suspended by the privacy office" %}',
        '{% translate "Declined by the privacy office" %}',
        CASES,
    ),
    Mutant(
        8, "templates/desk/_rows.html", "{% elif row.ticket.escalated_at and row.due %}", "{% elif row.due %}", CASES
    ),
    Mutant(
        8,
        "templates/desk/_many_progress.html",
        '{% elif not progress.reply.skipped %}{% translate "Sent to everyone." %}',
        '{% else %}{% translate "Sent to everyone." %}',
        CASES,
    ),
    Mutant(
        6,
        "templates/components/gpc.html",
        '{% elif subscriber %}{% translate "Nothing',
        '{% elif not subscriber %}{% translate "Nothing',
        SELDOM,
    ),
    Mutant(
        7,
        "templates/safety/separation.html",
        '{% elif newest.state == "not_done" %}',
        '{% elif newest.state == "taken_back" %}',
        SELDOM,
    ),
    Mutant(8, "templates/account/access_log.html", '{% translate "Newer" %}', '{% translate "Older" %}', SELDOM),
    Mutant(
        7, "templates/account/lines.html", "Another line of yours. Only you see it.", "Another line of yours.", SELDOM
    ),
    Mutant(
        11,
        "templates/admin/delayed.html",
        "{% if row.hidden %}hidden{% else %}shown{% endif %}",
        "{% if row.hidden %}shown{% else %}hidden{% endif %}",
        CONSOLE,
    ),
    Mutant(
        11,
        "templates/admin/delayed.html",
        "hides {{ order.hidden_count }}{% if",
        "hides {{ order.rows|length }}{% if",
        CONSOLE,
    ),
    Mutant(
        6,
        "console/views/lists_delivery.py",
        'rows.filter(mended_at__isnull=value == "open")',
        'rows.filter(mended_at__isnull=value != "open")',
        CONSOLE,
    ),
    Mutant(
        8,
        "templates/admin/suspend_requests.html",
        "{{ one.row.get_decision_display }} by {{ one.decided_by }}",
        "{{ one.row.get_decision_display }} by {{ one.who }}",
        CONSOLE,
    ),
    Mutant(
        10,
        "templates/choices/check_receipt.html",
        '{% elif fault == "key_withdrawn" %}',
        '{% elif fault == "withdrawn" %}',
        "tests/words/test_receipts.py::test_a_receipt_by_a_withdrawn_key_proves_nothing",
    ),
    Mutant(
        6,
        "templates/history/history.html",
        "{% if asked %}{{ asked }}&amp;{% endif %}before=",
        "before=",
        "tests/disclosures/test_history.py::test_the_pages_keep_the_filters_and_count_what_is_shown",
    ),
    Mutant(
        7,
        "templates/looking_after/asked.html",
        "?line={{ found.line.public_id }}",
        "?line={{ found.delegation.id }}",
        "tests/words/test_texts.py::test_line_and_helper_are_told_of_each_step",
    ),
    Mutant(
        9,
        "templates/admin/delayed.html",
        "{% if orders is None %}",
        "{% if not orders %}",
        "tests/disclosures/test_delayed_console.py::test_what_came_of_an_order_is_told_in_numbers",
    ),
    Mutant(
        12,
        "templates/mfa/index.html",
        'none yet." %}</strong></p>\n        <p class="row start"><a class="button" href="{% url \'mfa_generate_',
        'none yet." %}</strong></p>\n        <p class="row start"><a class="button" href="{% url \'mfa_view_',
        "tests/accounts/test_auth_factors.py::test_new_recovery_codes_and_one_of_them_works_once",
    ),
    Mutant(
        7,
        "templates/choices/_signal_question.html",
        '{% translate "If you stop it, the person who set it up may notice." %}',
        "",
        "tests/consent/test_privacy_signal.py::test_what_follows_a_family_is_warned_of_first",
    ),
)
