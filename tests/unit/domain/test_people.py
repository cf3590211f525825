from dataclasses import replace

import pytest

from models.domain.people import Person
from tests.unit.domain.samples import ADA, BEN


def test_a_person_is_known_by_their_id_whatever_they_are_called() -> None:
    assert ADA.same(replace(ADA, name="Countess", teams_id="29:other", id=ADA.id.upper()))
    assert not ADA.same(BEN)
    assert not ADA.same(None)


def test_where_an_id_is_missing_the_channels_id_tells() -> None:
    mentioned = Person("", "Ada", ADA.teams_id)
    assert ADA.same(mentioned)
    assert mentioned.same(ADA)
    assert not BEN.same(mentioned)


def test_the_directorys_id_outweighs_the_channels() -> None:
    assert not ADA.same(replace(BEN, teams_id=ADA.teams_id))


@pytest.mark.parametrize("other", [ADA, Person("", "Ada"), Person("", "", "")])
def test_somebody_without_any_id_is_nobody(other: Person) -> None:
    assert not Person("", "Ada").same(other)
