"""What is to be translated, what is written in a catalogue, and what was compiled: read without gettext's tools."""

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import allauth
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
# The names of django.utils.translation, and which of their arguments are: context, text, plural.
MARKERS: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
TRANSLATION = "django.utils.translation"
# Where only people who work here read: English and Spanish, no more.
STAFF_ALONE = ("templates/admin/", "templates/desk/", "support/", "console/")
# But these, which people read who ask us something.
FOR_PEOPLE = (
    "support/forms/cases.py", "support/domain/tickets.py", "support/queries/subjects.py", "support/queries/writing.py",
    "support/views/help.py", "support/labels.py", "support/queries/case_words.py",
)  # fmt: skip
FOR_STAFF_TOO = frozenset({"es"})
ALLAUTH = Path(allauth.__file__).parent
# What of allauth's a subscriber reads.
ALLAUTHS = ("templates/mfa/messages/*", "mfa/totp/forms.py", "mfa/base/forms.py")
# Said by allauth's adapter, whose other sentences are about e-mail addresses.
ALLAUTHS_ADAPTER = ("Incorrect code.", "You cannot deactivate two-factor authentication.",
    "You cannot generate recovery codes without having two-factor authentication enabled.")  # fmt: skip
# What Django's makemessages hands to xgettext for a template.
IN_TEMPLATE = re.compile(r"\b(_|n?p?gettext)\(")
QUOTED = re.compile(r"""\s*,?\s*u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)


def for_staff_alone(place: str) -> bool:
    """Whether only staff read what is said there."""
    return place.startswith(STAFF_ALONE) and not place.startswith(FOR_PEOPLE)


@dataclass(frozen=True, order=True)
class Sentence:
    """One thing to translate. `plural`, `context`: "" where it has none."""

    text: str
    plural: str = ""
    context: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of a catalogue: its forms in the other language, one or as many as that has plurals."""

    sentence: Sentence
    forms: tuple[str, ...]
    fuzzy: bool


@cache
def in_templates() -> tuple[tuple[Sentence, str], ...]:
    """Every sentence of the templates, with where it stands."""
    files = (path for path in sorted((ROOT / "templates").rglob("*")) if path.is_file())
    return tuple((sentence, _place(path)) for path in files for sentence in of_template(path.read_text(), str(path)))


@cache
def in_python() -> tuple[tuple[Sentence, str], ...]:
    """Every sentence of the project's code, with where it stands."""
    folders = (path for path in sorted(ROOT.iterdir()) if path.is_dir() and path.name not in {".venv", "tests"})
    files = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    return tuple((sentence, _place(path)) for path in files for sentence in of_python(path.read_text()))


def of_allauth(language: str) -> Iterator[tuple[Sentence, str]]:
    """What a subscriber reads of allauth's that allauth itself does not say in this language."""
    path = ALLAUTH / "locale" / language / "LC_MESSAGES" / "django.mo"
    theirs = compiled(path) if path.exists() else {}
    for file in (file for pattern in ALLAUTHS for file in sorted(ALLAUTH.glob(pattern)) if file.is_file()):
        text = file.read_text()
        for sentence in of_python(text) if file.suffix == ".py" else of_template(text, str(file)):
            if not all(theirs.get(sentence, ("",))):
                yield sentence, f"allauth/{file.relative_to(ALLAUTH)}"
    yield from ((Sentence(one), "allauth/mfa/adapter.py") for one in ALLAUTHS_ADAPTER if Sentence(one) not in theirs)


def of_template(source: str, origin: str = "") -> Iterator[Sentence]:
    """The sentences of one template, taken as Django's own makemessages takes them."""
    code = templatize(source, origin=origin)
    for found in IN_TEMPLATE.finditer(code):
        arguments, at = [], found.end()
        while quoted := QUOTED.match(code, at):
            arguments.append(ast.literal_eval(quoted[1].replace("\n", "\\n")))
            at = quoted.end()
        name = "gettext" if found[1] == "_" else found[1]
        if arguments:
            yield _sentence(MARKERS[name], arguments)


def of_python(source: str) -> Iterator[Sentence]:
    """The sentences of one module: calls of Django's functions, by whatever name the module knows them."""
    if "gettext" not in source:
        return
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == TRANSLATION:
            known |= {one.asname or one.name: one.name for one in node.names if one.name in MARKERS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _called(node.func, known)):
            yield _sentence(MARKERS[name], [one.value if isinstance(one, ast.Constant) else "" for one in node.args])


@cache
def entries(path: Path) -> list[Entry]:
    """The entries of a .po file, but for its head."""
    found = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        parts, key = {"msgctxt": "", "msgid": "", "msgid_plural": ""}, ""
        for line in block.splitlines():
            if match := re.match(r'(?:(msg\w+(?:\[\d\])?) )?(".*")$', line):
                key = match[1] or key
                parts[key] = parts.get(key, "") + ast.literal_eval(match[2])
        forms = tuple(text for key, text in sorted(parts.items()) if key.startswith("msgstr"))
        sentence = Sentence(parts["msgid"], parts["msgid_plural"], parts["msgctxt"])
        if sentence.text:
            found.append(Entry(sentence, forms, fuzzy=bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE))))
    return found


def compiled(path: Path) -> dict[Sentence, tuple[str, ...]]:
    """What a .mo file holds, but for its head."""
    data = path.read_bytes()
    magic, _revision, count, originals, translations = struct.unpack_from("<5I", data)
    assert magic == 0x950412DE
    held = {}
    for number in range(count):
        key, value = (_text(data, table + 8 * number) for table in (originals, translations))
        context, _, texts = key.rpartition("\x04")
        text, _, plural = texts.partition("\x00")
        held[Sentence(text, plural, context)] = tuple(value.split("\x00"))
    held.pop(Sentence(""))
    return held


def _text(data: bytes, at: int) -> str:
    length, start = struct.unpack_from("<2I", data, at)
    return data[start : start + length].decode()


def _called(function: ast.expr, known: dict[str, str]) -> str:
    """Which of the markers is called, or ""."""
    if isinstance(function, ast.Name):
        return known.get(function.id, "")
    is_of_module = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    if isinstance(function, ast.Attribute) and is_of_module and function.attr in MARKERS:
        return function.attr
    return ""


def _sentence(marker: tuple[int | None, int, int | None], arguments: list[object]) -> Sentence:
    context, text, plural = ("" if at is None or at >= len(arguments) else str(arguments[at]) for at in marker)
    return Sentence(text, plural, context)


def _place(path: Path) -> str:
    return str(path.relative_to(ROOT))
