"""Fields are declared by their kind, no kind could hold a place, and the page about it says the same."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db.models import Field, Model

from tests.conventions.catalogues import ROOT
from tools import inventory
from tools.inventory.document import document
from tools.inventory.kinds import MEANING, SEALED_BY_NAME, Kind

OURS = ("portal", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit")
# These hold a moment, a reference, a count or a flag, whoever makes them: they need no declaration.
MOMENTS_AND_REFERENCES = {"DateTimeField", "BigAutoField", "UUIDField", "ForeignKey", "OneToOneField"}
FIGURES = {"BooleanField", "PositiveIntegerField", "PositiveSmallIntegerField", "PositiveBigIntegerField"}
# What a field of a kind may be in the database. A place takes numbers below zero or with a fraction, a point, or a free
# list or document: no kind has the first two, and what is in the last is said for each.
FITS: dict[Kind, set[str]] = {
    Kind.KEY: {"BigIntegerField", "SmallIntegerField", "PositiveIntegerField", "CharField"} | MOMENTS_AND_REFERENCES,
    Kind.TIME: {"DateField", "DateTimeField"},
    Kind.WORD: {"CharField"}, Kind.BUSINESS: {"CharField", "TextField"}, Kind.TEXT: {"CharField", "SearchVectorField"},
    Kind.PERSONAL: {"CharField"}, Kind.SEALED: {"BinaryField", "CharField"},
    Kind.PROOF: {"BinaryField", "CharField", "TextField"}, Kind.STRUCTURE: {"JSONField", "ArrayField"},
}  # fmt: skip
NUMBERS = {"BigIntegerField", "SmallIntegerField", "PositiveIntegerField"}
PLACES = re.compile(r"coordinate|latitude|longitude|\bcell\b|street|address of a person|geo", re.IGNORECASE)


def models(*, ours: bool) -> dict[str, type[Model]]:
    found = apps.get_models(include_auto_created=True)
    return {one._meta.label: one for one in found if (one.__module__.split(".")[0] in OURS) is ours}


def fields() -> Iterator[tuple[str, Kind, "Field[Any, Any]"]]:
    """Every declared field, as `table.field`, with its kind."""
    for label, model in models(ours=True).items():
        for name, kind in inventory.TABLES[label].fields():
            field = model._meta.get_field(name)
            assert isinstance(field, Field)
            yield f"{label}.{name}", kind, field


def test_every_table_is_declared_and_no_other() -> None:
    assert set(inventory.TABLES) == set(models(ours=True))
    assert set(inventory.OF_OTHERS) == set(models(ours=False))
    assert len(inventory.TABLES) == sum(len(part) for part in inventory.PARTS.values())


def says_itself(field: "Field[Any, Any]") -> bool:
    """Whether the type or the name of a field says what it holds."""
    kind = field.get_internal_type()
    sealed = field.name.endswith(SEALED_BY_NAME) and kind in FITS[Kind.SEALED]
    return kind in MOMENTS_AND_REFERENCES | FIGURES or bool(field.choices) or sealed


def test_every_field_that_does_not_say_itself_what_it_holds_is_declared_once() -> None:
    for label, model in models(ours=True).items():
        declared = [name for name, _ in inventory.TABLES[label].fields()]
        known = model._meta.concrete_fields
        assert len(declared) == len(set(declared)), label
        assert [one.name for one in known if one.name not in declared and not says_itself(one)] == []
        assert set(declared) <= {one.name for one in known}


def test_every_field_is_what_its_kind_may_be() -> None:
    assert [
        (name, kind, field.get_internal_type())
        for name, kind, field in fields()
        if field.get_internal_type() not in FITS[kind]
    ] == []


def test_no_kind_could_hold_a_place() -> None:
    taken = set().union(*FITS.values())
    assert taken.isdisjoint({"FloatField", "DecimalField", "PointField", "GeometryField", "IntegerField"})
    assert not {kind for kind in Kind if FITS[kind] & NUMBERS} - {Kind.KEY}
    names = [one.name for model in models(ours=True).values() for one in model._meta.concrete_fields]
    assert [name for name in names if PLACES.search(name.replace("_", " ")) or name in {"lat", "lon", "lng"}] == []
    lists = [field for _, _, field in fields() if isinstance(field, ArrayField)]
    assert {field.base_field.get_internal_type() for field in lists} <= {"CharField", "TextField", "UUIDField"}
    assert [
        shape for table in inventory.TABLES.values() for shape in table.shapes.values() if PLACES.search(shape)
    ] == []


def test_what_is_sealed_by_name_is_bytes() -> None:
    sealed = [
        (field.name, field.get_internal_type())
        for model in models(ours=True).values()
        for field in model._meta.concrete_fields
        if field.name.endswith("_sealed")
    ]
    assert len(sealed) >= 8
    assert {kind for _, kind in sealed} <= FITS[Kind.SEALED]


def test_every_kind_is_explained_and_every_table_says_how_long_and_who() -> None:
    assert set(MEANING) == set(Kind) == set(FITS)
    assert [label for label, one in inventory.TABLES.items() if not (one.holds and one.long and one.sees)] == []


def test_the_page_says_what_is_declared() -> None:
    assert (ROOT / "docs" / "reference" / "data.md").read_text() == document()
