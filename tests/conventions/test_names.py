"""Names say what a thing is or does, in words that somebody would search for (docs/glossary.md).

A function is a verb and what it acts on, a class is a noun. A bare past participle (`said`, `Shown`) says neither, and
one with a loose word behind it (`told_since`) needs the code to be understood.
"""

import ast
import builtins
import re

from tests.conventions.sources import own_modules, place, read

IRREGULAR = re.compile(
    "said|told|asked|known|held|kept|given|taken|made|seen|found|got|left|sent|shown|met|done|begun|broken|chosen"
    "|written|gone|come|spoken|hidden|lent|lost|paid|brought|bought|thought|sought|caught|built|meant|forgotten"
)
# "feed", "seed", "need": nouns and verbs that only look like participles.
NO_PARTICIPLES = frozenset(("feed", "seed", "need", "embed", "exceed", "proceed", "speed", "shed"))
LOOSE = re.compile("by|since|so|again|later|anew|still|then|once|before|itself|meanwhile|lately|aside|back|away")
# Pictures for parts of a program that have a name in the trade.
PICTURES = frozenset(("hands", "wishes", "worries", "letters", "glass", "crew", "traces"))
# They say of whom or when, and not what: a name without them says more.
POINTERS = frozenset(
    ("nobody", "nobodys", "somebody", "somebodys", "anybody", "whoever", "elses", "kin", "wish", "anew", "beneath")
)
# What a value is called by the act that brought it, in whatever place of a name.
ACTS = frozenset(("said", "gave"))
# As these do, and say nothing of what it is: refused in definitions.
STATES = frozenset(("told", "asked", "known", "held", "kept"))
# A library calls them so; or `verified_by` and `delete_held` in what partners send; or a table; or a task, whose name
# waits in queues during an upgrade.
OF_OTHERS = frozenset(
    (
        "modified", "wrapped", "VerifiedBy", "delete_held", "HeldRow", "HeldDisclosure", "HeldNotice", "KnownDevice",
        "deliver_letters", "attribute_held",
    )
)  # fmt: skip


def is_participle(word: str) -> bool:
    return IRREGULAR.fullmatch(word) is not None or (
        word.endswith("ed") and len(word) > 4 and word not in NO_PARTICIPLES
    )


def words_of(name: str) -> list[str]:
    return [word for word in re.split(r"_+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if word]


def is_private_word(name: str) -> bool:
    words = words_of(name)
    # `clean_FIELD`: Django calls a form's check so, and a field is what a browser sends.
    if not words or name.startswith(("__", "clean_")) or name in OF_OTHERS:
        return False
    alone = len(words) == 1 and is_participle(words[0])
    loose = is_participle(words[0]) and LOOSE.fullmatch(words[-1]) is not None
    return alone or loose or bool((PICTURES | POINTERS | ACTS | STATES) & set(words))


def test_the_rule_knows_such_names() -> None:
    names = ("said", "_Shown", "sent_since", "count_held_rows", "wishes_of", "_key_of_nobody")
    assert [name for name in (*names, "__init__") if is_private_word(name)] == list(names)
    assert not any(map(is_private_word, ("HeldRow", "list_pending_rows", "ended_at", "feed", "is_signed")))


def test_names_of_definitions_are_words_of_the_trade() -> None:
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    private = [
        place(path, node, node.name)
        for path in own_modules()
        if "migrations" not in path.parts
        for node in ast.walk(read(path))
        if isinstance(node, named) and is_private_word(node.name)
    ]
    assert private == []


def test_fields_and_parameters_are_not_called_by_the_act_that_brought_them() -> None:
    """Of functions that other modules call: in a body the name is read beside what made it."""
    private = []
    for path in own_modules():
        for node in ast.walk(read(path)) if "migrations" not in path.parts else ():
            if isinstance(node, ast.ClassDef):
                fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
                private += [place(path, one, one.id) for one in fields if isinstance(one, ast.Name) and is_act(one.id)]
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                private += [place(path, node, one.arg) for one in node.args.kwonlyargs if is_act(one.arg)]
    assert private == []


def is_act(name: str) -> bool:
    return bool(ACTS & set(words_of(name)))


def test_exceptions_that_docstrings_name_exist() -> None:
    known, named = {*dir(builtins)}, []
    for path in own_modules():
        for node in ast.walk(read(path)):
            if isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                known |= {(one.asname or one.name).rpartition(".")[2] for one in node.names}
            elif isinstance(node, ast.FunctionDef):
                listed = re.findall(r"Raises ([A-Z]\w+(?:, [A-Z]\w+)*)", ast.get_docstring(node) or "")
                named += [(place(path, node), name) for one in listed for name in one.split(", ")]
    assert len(named) > 100
    # "Raises Django's own …": whose it is, and no name of it.
    assert [(where, name) for where, name in named if name not in {*known, "Django"}] == []
