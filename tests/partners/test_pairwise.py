"""The names by which partners know lines."""

import re

import pytest
from django.db import DatabaseError, transaction
from pytest_django import DjangoAssertNumQueries

from partners.domain import pairwise
from partners.models import PairwiseKey, PairwiseSubject
from tests.factories import NOW, a_line, a_party

pytestmark = pytest.mark.django_db


def test_a_name_is_written_once_for_its_pair() -> None:
    line, party, other = a_line(), a_party(), a_party("NorthLink")
    first = pairwise.subject(line_id=line.pk, party_id=party.pk)
    assert re.fullmatch(r"k1\.[A-Za-z0-9_-]{24}", first)
    assert pairwise.subject(line_id=line.pk, party_id=party.pk) == first
    assert PairwiseSubject.objects.count() == 1
    # Another tenure's, and another partner's for the same line.
    names = pairwise.subjects(line_ids=[line.pk, a_line().pk], party_id=party.pk)
    assert len({*names.values(), pairwise.subject(line_id=line.pk, party_id=other.pk)}) == 3
    # It leads back to its line for its own partner alone.
    assert pairwise.lines_of(subs=[first, "unheard of"], party_id=party.pk) == {first: line.pk}
    assert pairwise.lines_of(subs=[first], party_id=other.pk) == {}
    with pytest.raises(DatabaseError), transaction.atomic():
        PairwiseSubject.objects.update(sub="k1.other")


def test_a_new_key_version_serves_new_pairs_only() -> None:
    party, old, new = a_party(), a_line(), a_line()
    before = pairwise.subject(line_id=old.pk, party_id=party.pk)
    first = PairwiseKey.objects.get()
    PairwiseKey.objects.create(party=party, version=2, secret_sealed=first.secret_sealed, made_at=NOW)
    names = pairwise.subjects(line_ids=[old.pk, new.pk], party_id=party.pk)
    assert names[old.pk] == before
    assert names[new.pk].startswith("k2.")


def test_many_names_cost_no_more_statements_than_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    party = a_party()
    pairwise.subject(line_id=a_line().pk, party_id=party.pk)
    lines = [a_line().pk for _ in range(20)]
    with django_assert_num_queries(4):  # read, key, write, read again
        assert len(pairwise.subjects(line_ids=lines, party_id=party.pk)) == 20
    with django_assert_num_queries(1):
        pairwise.subjects(line_ids=lines, party_id=party.pk)


def test_a_line_is_named_for_many_partners_in_two_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    line, parties = a_line(), [a_party(name).pk for name in ("GeoBridge", "NorthLink", "FarPoint")]
    other = a_line()
    for party in parties[:2]:
        pairwise.subject(line_id=other.pk, party_id=party)
    pairwise.name_lines(pairs={(other.pk, pk) for pk in parties})  # makes the third's first key
    with django_assert_num_queries(2):  # read with keys, write
        pairwise.name_lines(pairs={(line.pk, pk) for pk in parties})
    names = {pairwise.subject(line_id=line.pk, party_id=party) for party in parties}
    with django_assert_num_queries(1):
        pairwise.name_lines(pairs={(line.pk, pk) for pk in parties})
    assert len(names) == 3
    assert PairwiseSubject.objects.count() == 6


def test_by_which_key_a_line_is_named_for_many_partners() -> None:
    parties = [a_party(name).pk for name in ("GeoBridge", "NorthLink")]
    for party in parties:
        pairwise.subject(line_id=a_line().pk, party_id=party)
    first = PairwiseKey.objects.get(party_id=parties[0])
    PairwiseKey.objects.create(party_id=parties[0], version=2, secret_sealed=first.secret_sealed, made_at=NOW)
    line = a_line()
    pairwise.name_lines(pairs={(line.pk, pk) for pk in parties})
    assert [pairwise.subject(line_id=line.pk, party_id=party)[:3] for party in parties] == ["k2.", "k1."]
