"""Every language is complete, holds nothing that nobody says, and what is compiled is what was written.

Spanish has the sentences of those who work here, too; the others have all that a subscriber may read.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import to_locale

from tests.conventions.catalogues import (
    FOR_STAFF_TOO,
    ROOT,
    Sentence,
    compiled,
    entries,
    for_staff_alone,
    in_python,
    in_templates,
    of_allauth,
    of_python,
)
from tests.conventions.catalogues import of_template as of

CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))
EACH = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
# Where the sentences of the desk's pages are: what is refused, what was done, and what happened to a case.
DESK_ROOMS = ("actions", "domain", "policies", "views", "forms", "labels.py")
SENTENCE = re.compile(r"[A-Zx“].* .*[.?:]", re.DOTALL)
# Read in the console, which is in English alone.
IN_CONSOLE = {"Kept permanently in the audit log. Don't include anyone's name or phone number."}
PLACEHOLDER = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def said() -> dict[Sentence, set[str]]:
    """Every sentence that a template or the code says, with its places."""
    places: dict[Sentence, set[str]] = {}
    for sentence, place in in_templates() + in_python():
        places.setdefault(sentence, set()).add(place)
    return places


def needed(language: str, said: dict[Sentence, set[str]]) -> dict[Sentence, str]:
    """What a catalogue must hold: whoever reads this language must come by none of it in English."""
    ours = {
        sentence: min(places)
        for sentence, places in said.items()
        if language in FOR_STAFF_TOO or not all(for_staff_alone(place) for place in places)
    }
    return dict(of_allauth(language)) | ours


def test_there_is_a_catalogue_of_each_language_on_offer() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == sorted(to_locale(code) for code, _ in settings.LANGUAGES[1:])


@EACH
def test_every_sentence_is_translated(path: Path, said: dict[Sentence, set[str]]) -> None:
    wanted = needed(path.parts[-3], said)
    assert len(wanted) > 700
    done = {entry.sentence for entry in entries(path) if not entry.fuzzy and entry.forms and all(entry.forms)}
    assert sorted((place, sentence.text) for sentence, place in wanted.items() if sentence not in done) == []


def test_a_sentence_for_staff_alone_is_needed_in_spanish_only() -> None:
    said = {Sentence("Here"): {"support/desk.py"}, Sentence("Both"): {"support/desk.py", "templates/base.html"}}
    assert {one.text for one in needed("es", said)} == {"Here", "Both"}
    assert {one.text for one in needed("ar", said)} == {"Both"}


@EACH
def test_nothing_is_kept_that_nobody_says(path: Path, said: dict[Sentence, set[str]]) -> None:
    written = [entry.sentence for entry in entries(path)]
    known = {*said, *needed(path.parts[-3], said)}
    assert sorted(sentence.text for sentence in written if sentence not in known) == []
    assert len(written) == len(set(written))
    assert "#~" not in path.read_text()


@EACH
def test_what_is_compiled_is_what_was_written(path: Path) -> None:
    assert compiled(path.with_suffix(".mo")) == {entry.sentence: entry.forms for entry in entries(path)}


@EACH
def test_every_number_has_its_form(path: Path) -> None:
    """A form that is missing is read in English."""
    forms = re.search(r"nplurals=(\d)", path.read_text())
    assert forms
    lacking = [one.sentence.text for one in entries(path) if one.sentence.plural and len(one.forms) != int(forms[1])]
    assert lacking == []


@EACH
def test_what_is_filled_in_stays_the_same(path: Path) -> None:
    wrong = []
    for entry in entries(path):
        wanted = set(PLACEHOLDER.findall(entry.sentence.text + entry.sentence.plural))
        held = [set(PLACEHOLDER.findall(form)) for form in entry.forms]
        # "Once" may say a number without its figure.
        if not all(one <= wanted if entry.sentence.plural else one == wanted for one in held):
            wrong.append(entry.sentence.text)
    assert wrong == []


def test_a_sentence_of_a_template_is_found_wherever_it_stands() -> None:
    template = """{% load i18n %}{% translate "One" %} {% translate 'Two "2"' context "numbers" as two %}
    {% blocktranslate with name=x trimmed %}
      Three <b>{{ name }}</b>
      and more{% endblocktranslate %}
    {% blocktranslate count n=n trimmed %}{{ n }} one{% plural %}{{ n }} many{% endblocktranslate %}
    {{ x|default:_("Four") }} {# translate "not this" #} gettext"""
    assert set(of(template)) == {
        Sentence("One"), Sentence('Two "2"', context="numbers"), Sentence("Three <b>%(name)s</b> and more"),
        Sentence("%(n)s one", "%(n)s many"), Sentence("Four"),
    }  # fmt: skip


def test_a_sentence_of_the_code_is_found_by_whatever_name() -> None:
    code = """
from django.utils import translation
from django.utils.translation import gettext as _, gettext_lazy, ngettext as counted, pgettext_lazy
from elsewhere import gettext
_("One " "and more"); gettext_lazy("Two"); counted("a", "b", 3); pgettext_lazy("here", "Three")
translation.gettext("Four"); gettext("not this")
"""
    assert set(of_python(code)) == {
        Sentence("One and more"), Sentence("Two"), Sentence("a", "b"), Sentence("Three", context="here"),
        Sentence("Four"),
    }  # fmt: skip


def find_untranslated(tree: ast.AST, *, marked: bool = False) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Sentences that are handed to none of Django's functions; a module's or a function's own description is none."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        is_marked = marked or (isinstance(node, ast.Call) and re.search(r"(^_|gettext(_lazy|_noop)?)$", called(node)))
        if isinstance(node, ast.Constant | ast.JoinedStr):
            if not is_marked and SENTENCE.fullmatch(words_of(node)) and words_of(node) not in IN_CONSOLE:
                yield node
        else:
            yield from find_untranslated(node, marked=bool(is_marked))


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def words_of(node: ast.Constant | ast.JoinedStr) -> str:
    """The words, with "x" for each value in them."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "x" for one in node.values)


def test_every_sentence_of_the_desk_can_be_translated() -> None:
    found = [
        f"{path.name}: {words_of(node)}"
        for room in DESK_ROOMS
        for path in sorted((ROOT / "support").glob(f"{room}/*.py" if "." not in room else room))
        for node in find_untranslated(ast.parse(path.read_text()))
    ]
    assert found == []


def test_a_sentence_that_nobody_translates_is_found() -> None:
    code = """
def f(name):
    "Say a thing."
    raise NotNow(f"{name} has it now.") if name else NotNow("Write the note.")
    raise NotNow(_("Write the %(it)s.") % {"it": "Two words of it"})
    return gettext_lazy("It is done.")
"""
    assert [words_of(one) for one in find_untranslated(ast.parse(code))] == ["x has it now.", "Write the note."]
