"""What the bot says by itself about the mail: that nobody reads it, what does not come, and what became of it all.

The watcher may be dead when this matters, so it is the bot that looks, at what the watcher wrote down last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import look_now_and_then
from cards.balance import balance_text, mail_is_away, mail_is_back, mail_is_late, mail_is_missing, mail_is_silent
from models import directory, mails, recording, store
from models.domain.effects import Tell
from models.domain.expected_mail import ExpectedMail
from models.domain.mail import MailRules, Outcome
from models.store import to_ms

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
ON_ITS_WAY = timedelta(minutes=5)
"""How much later than its time a mail may reach the mailbox."""
LISTED = 10
_AWAY = "mailbox_away_told"
_SILENT = "mailbox_silent_told"


class Watchkeeping:
    """Looks after the mailbox's signs of life and the daily balance.

    Args:
        rules: When the balance is told.
        timezone: Whose days and hours count.
        away_minutes: How long a mailbox may be unread.
        silent_hours: How long nothing may arrive; 0 for ever.
        wake: Called when something was put into the outbox.
        started: When this process started: before the first look of a watcher nothing else is known.
    """

    def __init__(
        self,
        rules: MailRules,
        timezone: ZoneInfo,
        *,
        away_minutes: float,
        silent_hours: float,
        wake: Callable[[], None],
        started: datetime,
    ) -> None:
        self._rules = rules
        self._timezone = timezone
        self._away = timedelta(minutes=away_minutes)
        self._silent = timedelta(hours=silent_hours)
        self._wake = wake
        self._started_ms = to_ms(started)

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "the mailbox's signs of life", seconds=LOOK_SECONDS)

    async def look(self, now: datetime) -> None:
        """Look once. Whatever is said is said once, whichever replica looks first."""
        await self._look_for_reader(now)
        if self._silent:
            await self._look_for_mail(now)
        for each in self._rules.expected:
            await self._look_for_expected(each, now)
        await self._tell_balance(now)

    async def _look_for_reader(self, now: datetime) -> None:
        polled = await directory.fact("mailbox_polled_ms")
        last = int(polled) if polled else self._started_ms
        told = await directory.fact(_AWAY)
        if to_ms(now) - last > self._away.total_seconds() * 1000:
            if not told:
                why = await directory.fact("mailbox_error") or ""
                text = mail_is_away(store.from_ms(last) if polled else None, why, now)
                await self._say(text, f"mailbox-away:{last}")
                await directory.remember_fact(_AWAY, str(last))
        elif told and polled and last > int(told):
            await self._say(mail_is_back(store.from_ms(int(told)), now), f"mailbox-back:{told}")
            await directory.remember_fact(_AWAY, "")

    async def _look_for_mail(self, now: datetime) -> None:
        newest = await mails.newest_mail_ms()
        told = await directory.fact(_SILENT)
        if newest is None or to_ms(now) - newest <= self._silent.total_seconds() * 1000 or told == str(newest):
            return
        await self._say(mail_is_silent(store.from_ms(newest), now), f"mailbox-silent:{newest}")
        await directory.remember_fact(_SILENT, str(newest))

    async def _look_for_expected(self, expected: ExpectedMail, now: datetime) -> None:
        """Tell of a mail that did not come, once each time, and of it when it comes after all.

        What is not read yet may hold it: so nothing is said before all is read that the mailbox held by then.
        """
        since = int(await directory.first_fact(f"expected-since:{expected.key}", str(to_ms(now))))
        came = await directory.fact(f"{recording.EXPECTED}{expected.key}")
        told_key = f"expected-told:{expected.key}"
        last, told = store.from_ms(int(came)) if came else None, await directory.fact(told_key)
        if told and last is not None and to_ms(last) > int(told):
            text = mail_is_late(expected.name, store.from_ms(int(told)), last, now)
            await self._say(text, f"expected-came:{expected.key}:{told}")
            await directory.forget_fact(told_key)
        deadline = expected.missed(now, store.from_ms(since), last, self._timezone)
        if deadline is None or told == str(to_ms(deadline)):
            return
        if int(await directory.fact("mailbox_emptied_ms") or 0) < to_ms(deadline + ON_ITS_WAY):
            return
        text = mail_is_missing(expected.name, expected.action, deadline, last, now)
        await self._say(text, f"expected:{expected.key}:{to_ms(deadline)}")
        await directory.remember_fact(told_key, str(to_ms(deadline)))

    async def _tell_balance(self, now: datetime) -> None:
        here = now.astimezone(self._timezone)
        if self._rules.balance_at is None or here.time() < self._rules.balance_at:
            return
        day = here.date() - timedelta(days=1)
        key = f"balance:{day.isoformat()}"
        if await directory.fact("balance_told") == key or await mails.newest_mail_ms() is None:
            return
        await self._say(await self._balance(day), key)
        await directory.remember_fact("balance_told", key)

    async def _balance(self, day: date) -> str:
        begin, end = (
            to_ms(datetime(each.year, each.month, each.day, tzinfo=self._timezone))
            for each in (day, day + timedelta(days=1))
        )
        counts = await mails.outcomes_between(begin, end)
        muted = await mails.mails_between(begin, end, Outcome.MUTED, 500)
        told = await mails.mails_between(begin, end, Outcome.INFORMATION, LISTED)
        rules: dict[str, int] = {}
        for each in muted:
            rules[each.why] = rules.get(each.why, 0) + 1
        return balance_text(
            day, counts, rules, [each.reading.subject for each in told if each.reading.source != "selftest"]
        )

    async def _say(self, text: str, once: str) -> None:
        if await store.leave([Tell(text)], once=[once]):
            log.info("told the channel: %s", text)
            self._wake()
