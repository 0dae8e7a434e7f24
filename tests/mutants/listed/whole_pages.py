"""What no state decides: sentences of pages that explain, labels of forms and panels; and which moment a page tells."""

from tests.mutants.mutant import Mutant

VISITORS = "tests/words/test_every_page.py::test_pages_of_visitors_and_subscribers"
SELDOM = "tests/words/test_every_page.py::test_pages_in_states_that_are_seldom"
DESK = "tests/words/test_every_page.py::test_pages_of_the_desk"

MUTANTS = (
    Mutant(
        11,
        "templates/pages/safety.html",
        '    <li>{% translate "Data that companies already have." %}</li>\n',
        "",
        VISITORS,
    ),
    Mutant(
        3,
        "templates/pages/front.html",
        '{% translate "A stop never expires. Only you can change it." %}',
        '{% translate "Your phone service stays the same, whatever you choose." %}',
        VISITORS,
    ),
    Mutant(
        11,
        "disclosures/queries/figures/page.py",
        '("s4", _("Not confirmed, or too few to show"))',
        '("s4", _("Received"))',
        "tests/disclosures/test_transparency.py::test_the_page_says_what_there_is",
    ),
    Mutant(
        7,
        "templates/safety/separation.html",
        '    <li>{% translate "Your stops stay. Earlier consent doesn\'t apply to a new line." %}</li>\n',
        "",
        VISITORS,
    ),
    Mutant(8, "templates/desk/case.html", '{% translate "Take next case" %}', '{% translate "Get a copy" %}', DESK),
    Mutant(7, "templates/looking_after/delegates.html", "{% when answer_by %}", "{% when one.ends_at %}", VISITORS),
    Mutant(7, "templates/safety/separation.html", "{% when newest.tell_from %}", "{% when newest.closed_at %}", SELDOM),
)
