"""Teams' limits, kept before it has to say no."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import PER_SECOND, WINDOWS, Pacer


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from("abc")), max_size=300))
def test_no_window_ever_holds_more_than_teams_takes(asked: list[tuple[float, str]]) -> None:
    clock = Clock()
    pacer = Pacer(clock)
    sent: dict[str, list[float]] = {}
    for wait, conversation in asked:
        clock.now += wait
        if pacer.take(conversation) == 0:
            sent.setdefault(conversation, []).append(clock.now)
    for times in sent.values():
        for seconds, most in WINDOWS:
            assert all(later - first >= seconds for first, later in zip(times, times[most:], strict=False))
    everything = sorted(at for times in sent.values() for at in times)
    assert all(later - first >= 1 for first, later in zip(everything, everything[PER_SECOND:], strict=False))


def test_waiting_as_told_is_enough() -> None:
    clock = Clock()
    pacer = Pacer(clock)
    sent = 0
    while clock.now < 60:
        wait = pacer.take("a")
        if wait:
            clock.now += wait + 1e-6
        else:
            sent += 1
    assert 119 <= sent <= 120
