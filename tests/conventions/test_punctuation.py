"""What templates and code join for people is joined by marks that the reader's language writes itself.

Staff read English and Spanish, which have the same marks.
"""

import ast
import re
from collections.abc import Iterator

import pytest
from django.template import engines
from django.utils import translation

from accounts.domain.message_templates import join_words
from tests.conventions.catalogues import ROOT, TRANSLATION, for_staff_alone

# Read by developers alone, in English.
DEVELOPERS_ALONE = ("templates/pages/api.html", "templates/pages/gallery.html", "templates/demo_phone.html")
# What is translated whole, and what no person reads.
WHOLE = re.compile(
    r"\{% blocktranslate.*?\{% endblocktranslate %\}|\{% comment.*?\{% endcomment %\}|<(script|style).*?</\1>",
    re.DOTALL,
)
COMMENT = re.compile(r"\{#.*?#\}")
# A mark of ours right behind what was filled in or translated: `{{ name }}, `, `{% endif %})</b>.`.
BARE = re.compile(r"[%}]\}(?:</\w+>|\))*[,;.](?=[\s<{]|$)")
JOINED = re.compile(r"\|\s*join:")
MARKS = re.compile(r"[,;.،、，；。] ?")


def bare_marks(source: str) -> list[str]:
    """Each mark of one template that no language can change, with a little of what stands before it."""
    rest = WHOLE.sub("{%%}", COMMENT.sub("", source))
    return [rest[max(0, found.start() - 40) : found.end()] for found in (*BARE.finditer(rest), *JOINED.finditer(rest))]


def bare_joins(code: str) -> Iterator[int]:
    """The lines where a module that speaks to people joins words by such a mark."""
    if TRANSLATION not in code:
        return
    tree = ast.parse(code)
    if not any(isinstance(node, ast.ImportFrom) and node.module == TRANSLATION for node in ast.walk(tree)):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Constant(value=str(mark)), attr="join") if MARKS.fullmatch(mark):
                yield node.lineno


def test_no_template_that_a_subscriber_reads_joins_by_a_mark_of_english() -> None:
    files = [path for path in sorted((ROOT / "templates").rglob("*")) if path.suffix in {".html", ".txt"}]
    ours = {str(path.relative_to(ROOT)): path.read_text() for path in files}
    found = {
        place: marks
        for place, source in ours.items()
        if not for_staff_alone(place) and place not in DEVELOPERS_ALONE and (marks := bare_marks(source))
    }
    assert found == {}
    assert len(ours) > 200


def test_no_code_that_a_subscriber_reads_joins_by_a_mark_of_english() -> None:
    folders = (path for path in sorted(ROOT.iterdir()) if (path / "__init__.py").exists() and path.name != "tests")
    ours = {str(path.relative_to(ROOT)): path.read_text() for one in folders for path in sorted(one.rglob("*.py"))}
    found = [(place, line) for place, code in ours.items() if not for_staff_alone(place) for line in bare_joins(code)]
    assert found == []
    assert "accounts/domain/message_templates.py" in ours


@pytest.mark.parametrize(
    ("source", "marks"),
    [
        ("{{ name }}, {{ why }}", ["{{ name }},"]),
        ("{% when at %}.</p>", ["{% when at %}."]),
        ("{% when at %} ({{ zone }}). {{ b }}", ["{% when at %} ({{ zone }})."]),
        ("<b>{{ name }}</b>; {{ b }}", ["<b>{{ name }}</b>;"]),
        ("{% blocktranslate %}{{ a }}, b.{% endblocktranslate %}.", ["{%%}."]),
        ('{{ names|join:", " }}', ["{{ names|join:"]),
        ("{% blocktranslate %}{{ a }}, b.{% endblocktranslate %} {{ a }}{% comma %}{{ b }}{% full_stop %}", []),
        ("{# {{ a }}, #}<script>{{ a }}, {{ b }}</script><i>{{ name }}.json</i> {{ n }}.5", []),
    ],
)
def test_a_bare_mark_is_found_and_no_other(source: str, marks: list[str]) -> None:
    assert bare_marks(source) == marks


def test_a_bare_join_is_found_where_people_are_spoken_to() -> None:
    speaks = "from django.utils.translation import gettext\n"
    code = "', '.join(x)\n'、'.join(x)\n'\\n'.join(x)\n' '.join(x)\n', {}'.join(x)\n"
    assert (list(bare_joins(speaks + code)), list(bare_joins(code))) == ([2, 3], [])


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "A, B, C 5, A, B."),
        ("es", "A, B, C 5, A, B."),
        ("vi", "A, B, C 5, A, B."),
        ("ar", "\u200f\u2068A\u2069، \u2068B\u2069، \u2068C\u2069 5، A، B."),
        ("zh-hans", "A、B、C 5，A、B。"),
    ],
)
def test_each_language_has_its_marks(language: str, shown: str) -> None:
    source = (
        "{% load punctuation %}{{ words|join_words }} {{ n }}{% comma %}"
        "{% for one in few %}{{ one }}"
        "{% if forloop.last %}{% full_stop %}{% else %}{% list_comma %}{% endif %}{% endfor %}"
    )
    with translation.override(language):
        page = engines["django"].from_string(source).render({"words": ["A", "B", "C"], "few": ["A", "B"], "n": 5})
    assert page == shown


def test_names_in_a_list_are_escaped_once() -> None:
    shown = "{% blocktranslate with names=names|join_words %}<b>{{ names }}</b>{% endblocktranslate %}"
    source = f"{{% load i18n punctuation %}}{shown}"
    page = engines["django"].from_string(source).render({"names": ["A & B", "<i>C"]})
    assert page == "<b>A &amp; B, &lt;i&gt;C</b>"


def test_a_list_of_one_and_of_none() -> None:
    assert (join_words(["A"]), join_words([])) == ("A", "")
