"""Mails that must come, such as the confirmation of a nightly job, and when one is missed (T26)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from models.domain.alerts import Reading
from models.domain.mail_patterns import Patterns, read_patterns, speak_of
from models.domain.process_reader import Reader
from models.domain.working_hours import read_days

_WEEK = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class ExpectedMail:
    """A mail that must come: by a time of some days, or once in every so many hours.

    Attributes:
        key: What facts about it are remembered by.
        name: What people call it.
        patterns: All must match.
        by: Until when on each of ``days``; ``None`` where it goes by ``every``.
        days: Numbers from 0 (Monday).
        within: How long before ``by`` it may come at the earliest: what comes before that is a late one of the last
            time.
        every: How long there may be none; ``None`` where it goes by ``by``.
        action: What to do where it does not come; empty for nothing.
    """

    key: str
    name: str
    patterns: Patterns
    by: time | None = None
    days: frozenset[int] = _WEEK
    within: timedelta = timedelta(hours=12)
    every: timedelta | None = None
    action: str = ""

    def matches(self, reading: Reading) -> bool:
        """Tell whether a mail is one of these."""
        return speak_of(self.patterns, reading)

    def missed(self, now: datetime, since: datetime, last: datetime | None, zone: tzinfo) -> datetime | None:
        """Return by when the newest one had to come, where it has not; ``None`` where nothing is missed.

        Args:
            since: Since when it is looked for: what should have come before is not known.
            last: When the newest one was received; ``None`` for never.
            zone: By whose clocks ``by`` goes.
        """
        if self.every is not None:
            over = max(since, last or since) + self.every
            return over if now >= over else None
        deadline = self._newest_deadline(now, zone)
        if deadline is None or deadline - self.within < since:
            return None
        return None if last is not None and last >= deadline - self.within else deadline

    def _newest_deadline(self, now: datetime, zone: tzinfo) -> datetime | None:
        today = now.astimezone(zone).date()
        for back in range(8):
            day = today - timedelta(days=back)
            if self.by is None or day.weekday() not in self.days:
                continue
            at = datetime.combine(day, self.by, tzinfo=zone).astimezone(UTC)
            if at <= now:
                return at
        return None


def read_expected(reader: Reader) -> ExpectedMail:
    """Read one ``[[mail.expected]]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    key, name, action = reader.key(), reader.text("name"), reader.text("action", "")
    by = reader.clock("by")
    every = reader.number("every_hours", 1000) if reader.has("every_hours") else None
    if len([each for each in ("by", "every_hours") if reader.values.get(each) not in (None, "")]) != 1:
        reader.wrong("it needs either by (a time as 07:00) or every_hours")
    elif every is not None and (only := [each for each in ("days", "within_hours") if each in reader.values]):
        reader.wrong(f"{only[0]} goes with by, and not with every_hours")
    days, within = read_days(reader) or _WEEK, timedelta(hours=reader.number("within_hours", 168, 12))
    patterns = read_patterns(reader)
    return ExpectedMail(key, name, patterns, by, days, within, timedelta(hours=every) if every else None, action)
