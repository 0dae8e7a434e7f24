"""What no state decides: sentences of pages that explain, and labels of forms and panels."""

from tests.mutants.mutant import Mutant

VISITORS = "tests/words/test_every_page.py::test_pages_of_visitors_and_subscribers"
DESK = "tests/words/test_every_page.py::test_pages_of_the_desk"

MUTANTS = (
    Mutant(
        11,
        "templates/pages/safety.html",
        '    <li>{% translate "What companies already hold from before." %}</li>\n',
        "",
        VISITORS,
    ),
    Mutant(
        3,
        "templates/pages/front.html",
        '{% translate "A no never runs out. Only you can change it." %}',
        '{% translate "Your phone service stays the same, whatever you choose." %}',
        VISITORS,
    ),
    Mutant(
        11,
        "templates/pages/transparency.html",
        '<li><i class="s4"></i>{% translate "Not confirmed, or too few to show" %}</li>',
        '<li><i class="s4"></i>{% translate "Received" %}</li>',
        VISITORS,
    ),
    Mutant(
        7,
        "templates/safety/separation.html",
        '    <li>{% translate "Your stops stay. What was agreed to before does not count for a new line." %}</li>\n',
        "",
        VISITORS,
    ),
    Mutant(
        8,
        "templates/desk/case.html",
        '{% translate "Take the next one" %}',
        '{% translate "Take a copy" %}',
        DESK,
    ),
)
