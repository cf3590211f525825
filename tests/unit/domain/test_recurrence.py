"""An alert that keeps to a weekday, or comes every day (T37, T46)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cards.words import recurring
from models.domain.recurrence import Recurrence, recurrence

LONDON = ZoneInfo("Europe/London")
SATURDAY = datetime(2026, 11, 21, 2, 10, tzinfo=UTC)


def before(*days: float, hours: float = 0) -> list[tuple[int, datetime]]:
    return [(n, SATURDAY - timedelta(days=day, hours=hours)) for n, day in enumerate(sorted(days, reverse=True), 1)]


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ((), None),
        ((7,), None),
        ((7, 14), Recurrence(2, "Saturday", "02:00", (1, 2))),
        ((7, 14, 21), Recurrence(3, "Saturday", "02:00", (1, 2, 3))),
        ((7, 14, 28), Recurrence(2, "Saturday", "02:00", (2, 3))),
        ((14, 21), None),
        ((1, 2), None),
        ((1, 2, 3), Recurrence(3, "", "02:00", (1, 2, 3))),
        ((1, 2, 3, 4, 5, 6, 7, 14), Recurrence(7, "", "02:00", (2, 3, 4, 5, 6, 7, 8))),
        ((3, 7, 11, 14), Recurrence(2, "Saturday", "02:00", (1, 3))),
        ((2, 3, 7, 10, 14), None),  # it comes on other days as often
        ((0, 0.02), None),  # today alone
    ],
)
def test_what_it_keeps_to(days: tuple[float, ...], found: Recurrence | None) -> None:
    assert recurrence(SATURDAY, before(*days), LONDON) == found


def test_the_time_of_day_is_told_where_it_is_the_same() -> None:
    for hours, around in ((0.5, "02:00"), (-0.9, "02:00"), (1.5, ""), (-6, "")):
        made = recurrence(SATURDAY, before(7, 14, hours=hours), LONDON)
        assert made is not None
        assert made.around == around
    midnight = datetime(2026, 11, 21, 0, 5, tzinfo=UTC)
    late = [(n, midnight - timedelta(days=7 * n) + timedelta(hours=23, minutes=40)) for n in (1, 2)]
    made = recurrence(midnight, late, LONDON)
    assert made is not None
    assert made.around == "00:00"


def test_days_and_clocks_are_the_teams() -> None:
    """Summer time ended on 25 October: by the team's clock it always came on Saturday, by UTC twice on Friday."""
    now = datetime(2026, 10, 31, 0, 10, tzinfo=UTC)
    summer = [(n, datetime(2026, 10, day, 23, 20, tzinfo=UTC)) for n, day in ((1, 16), (2, 23))]
    found = recurrence(now, summer, LONDON)
    assert found == Recurrence(2, "Saturday", "00:00", (1, 2))
    assert recurrence(now, summer, UTC) is None


def test_one_incident_that_goes_on_counts_for_each_day() -> None:
    found = recurrence(SATURDAY, [(4, SATURDAY - timedelta(weeks=n)) for n in (1, 2, 3)], LONDON)
    assert found == Recurrence(3, "Saturday", "02:00", (4,))


def test_how_it_is_said() -> None:
    weekly = Recurrence(3, "Saturday", "02:00", (3, 7, 9))
    assert (
        recurring(weekly) == "The same alert came on the last 3 Saturdays, too, always around 02:00 (#3, #7, #9)."
    )
    assert recurring(Recurrence(4)) == "The same alert came on each of the last 4 days, too."
