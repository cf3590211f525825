"""What the channel is told about the mail as a whole: its balance, and that it is not read or does not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from cards.blocks import escape, when
from models.domain.mail import Outcome

_WORDS = {
    Outcome.CANDIDATE: ("new candidate", "new candidates"),
    Outcome.JOINED: ("joined", "joined"),
    Outcome.RECOVERY: ("recovery", "recoveries"),
    Outcome.INFORMATION: ("information", "information"),
    Outcome.MUTED: ("muted", "muted"),
    Outcome.ACCESS_REQUEST: ("access request", "access requests"),
    Outcome.SUPPORT_CALL: ("support call", "support calls"),
    Outcome.NOT_OURS: ("not ours", "not ours"),
    Outcome.UNVERIFIED: ("unverified", "unverified"),
    Outcome.UNRECOGNISED: ("unrecognised", "unrecognised"),
    Outcome.UNREADABLE: ("unreadable", "unreadable"),
}


def balance_text(
    day: date, counts: Mapping[Outcome, int], rules: Mapping[str, int], information: Sequence[str]
) -> str:
    """Return the balance of a day: how many mails arrived, and what each ended as. It adds up.

    Args:
        counts: How many ended as what.
        rules: How many were muted, by the reason.
        information: Subjects of mails that only inform, the first few.
    """
    total = sum(counts.values())
    title = f"**Mail of {day.day} {day:%B %Y}:** "
    if not total:
        return f"{title}none arrived."
    parts = [
        f"{number} {_WORDS[outcome][number != 1]}" for outcome in Outcome if (number := counts.get(outcome, 0))
    ]
    lines = [f"{title}{total} arrived = {' + '.join(parts)}."]
    lines += [f"- muted {number}: {escape(why, 200)}" for why, number in sorted(rules.items())[:8]]
    lines += [f"- for information: {escape(subject, 160)}" for subject in information]
    left = counts.get(Outcome.INFORMATION, 0) - len(information)
    if left > 0:
        lines.append(f"- and {left} more for information")
    return "\n".join(lines)


def mail_is_away(since: datetime | None, why: str, now: datetime) -> str:
    """Say that the mailbox is not being read."""
    last = f"since {when(since, near=now)}" if since else "since Wilson started"
    reason = f" The watcher says: {escape(why, 300)}." if why else " The watcher says nothing: it may be dead."
    return (
        f"**I have not read the alert mailbox {last}.** Alerts that arrive are not shown here.{reason}"
        " Look into the mailbox yourselves, and run `wilson doctor`."
    )


def mail_is_back(since: datetime, now: datetime) -> str:
    """Say that the mailbox is read again."""
    gap = f"it was not since {when(since, near=now)}"
    return f"The alert mailbox is read again; {gap}. What arrived meanwhile follows."


def mail_is_silent(since: datetime, now: datetime) -> str:
    """Say that no mail at all has come for long."""
    return (
        f"**No mail at all has arrived since {when(since, near=now)}.** That may be a quiet time, or alerts that go"
        " astray: `wilson selftest` sends one and times it."
    )


def mail_is_missing(name: str, action: str, deadline: datetime, last: datetime | None, now: datetime) -> str:
    """Say that a mail that had to come by a time has not.

    Args:
        action: What the process says is to be done; empty for nothing.
        last: When the newest one came; ``None`` for never.
    """
    before = f" The last one came {when(last, near=now)}." if last else " None has come since Wilson looks for it."
    what = f" What to do: {escape(action, 600)}" if action else ""
    return (
        f"**The mail “{escape(name, 120)}” has not come.** It had to by {when(deadline, near=now)}.{before}{what}"
    )


def mail_is_late(name: str, deadline: datetime, came: datetime, now: datetime) -> str:
    """Say that a mail that was missed has come."""
    missed = f"it had to come by {when(deadline, near=now)}"
    return f"The mail “{escape(name, 120)}” has come, {when(came, near=now)}; {missed}."
