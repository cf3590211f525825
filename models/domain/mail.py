"""What becomes of each mail, and the team's rules about mail. Every mail ends as exactly one outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

from models.domain.alerts import Authenticated, MailKind, Reading
from models.domain.expected_mail import ExpectedMail
from models.domain.mail_patterns import address_of, speak_of


class Outcome(StrEnum):
    """What a mail ended as. The daily balance counts these, and they add up to what arrived."""

    CANDIDATE = "candidate"
    JOINED = "joined"
    RECOVERY = "recovery"
    INFORMATION = "information"
    MUTED = "muted"
    ACCESS_REQUEST = "access_request"
    SUPPORT_CALL = "support_call"
    NOT_OURS = "not_ours"
    UNVERIFIED = "unverified"
    UNRECOGNISED = "unrecognised"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class MailRule:
    """A rule of the process file about mail. All patterns that it names must match.

    Attributes:
        name: What ``wilson mail why`` and the balance call it.
        because: Why the team wants it so.
        then: ``mute`` records and counts the mail and shows nothing; ``support`` shows it as a support call.
        patterns: By field (``source``, ``sender``, ``subject``, ``title``, ``project``, ``resource``), with ``*``
            and ``?``, whatever the case.
    """

    name: str
    because: str
    then: Literal["mute", "support"]
    patterns: tuple[tuple[str, str], ...]

    def matches(self, reading: Reading) -> bool:
        """Tell whether a mail is one that the rule speaks of."""
        return speak_of(self.patterns, reading)


@dataclass(frozen=True, slots=True)
class MailRules:
    """What the team says about mail.

    Attributes:
        rules: The first that matches counts.
        pipeline_refs: Patterns of the branches and tags whose pipelines matter.
        balance_at: When the balance of the day before is told; ``None`` for never.
        expected: Mails that must come.
    """

    rules: tuple[MailRule, ...] = ()
    pipeline_refs: tuple[str, ...] = ("*",)
    balance_at: time | None = None
    expected: tuple[ExpectedMail, ...] = ()


@dataclass(frozen=True, slots=True)
class SortedMail:
    """A mail, and what it ends as, so far as the mail alone tells.

    Attributes:
        received_at: When its mailbox received it.
        outcome: ``candidate`` may become ``joined`` once the open incidents are known.
        why: What the rules added to the reading's own reason; empty where they added nothing.
        expected: The keys of the expected mails that it is.
    """

    reading: Reading
    received_at: datetime
    outcome: Outcome
    why: str = ""
    expected: tuple[str, ...] = ()

    @property
    def concerns_incidents(self) -> bool:
        """Whether it makes a candidate, joins one, or recovers one."""
        if self.outcome in (Outcome.CANDIDATE, Outcome.RECOVERY):
            return self.reading.alert is not None
        return self.outcome is Outcome.UNREADABLE and self.reading.alert is not None

    @property
    def shown(self) -> bool:
        """Whether people get a quiet card of it, since it makes no incident by itself."""
        if self.outcome is Outcome.UNREADABLE:
            return self.reading.alert is None
        if self.outcome is Outcome.UNVERIFIED:
            return self.reading.alert is None or self.reading.alert.kind is not MailKind.RECOVERED
        return self.outcome in (Outcome.UNRECOGNISED, Outcome.ACCESS_REQUEST, Outcome.SUPPORT_CALL)


_OUTCOMES = {
    MailKind.FIRING: Outcome.CANDIDATE,
    MailKind.RECOVERED: Outcome.RECOVERY,
    MailKind.INFORMATION: Outcome.INFORMATION,
    MailKind.ACCESS_REQUEST: Outcome.ACCESS_REQUEST,
    MailKind.IGNORED: Outcome.NOT_OURS,
    MailKind.UNRECOGNISED: Outcome.UNRECOGNISED,
    MailKind.UNREADABLE: Outcome.UNREADABLE,
}
_SAYS_SOMETHING = frozenset({MailKind.FIRING, MailKind.RECOVERED, MailKind.ACCESS_REQUEST, MailKind.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose mail is believed. What our server doubted never is, without a person.

    Attributes:
        require_authenticated: Whether a mail of a known source whose sender our server did not confirm waits for a
            person, too.
        domains: Where any are named, a mail of a known source from elsewhere waits as well: whoever owns a domain
            can have it confirmed, and imitate a source that people run themselves.
    """

    require_authenticated: bool = False
    domains: tuple[str, ...] = ()


def sort_mail(reading: Reading, received_at: datetime, rules: MailRules, trust: Trust) -> SortedMail:
    """Say what a mail ends as, and whether it is one that was expected.

    An expected mail that nobody else recognises is for information. One whose sender is in doubt is none.
    """
    held = _sorted(reading, received_at, rules, trust)
    if held.outcome is Outcome.UNVERIFIED or reading.authenticated is Authenticated.FAIL:
        return held
    found = [each for each in rules.expected if each.matches(reading)]
    keys = tuple(each.key for each in found)
    if not found or held.outcome is not Outcome.UNRECOGNISED:
        return replace(held, expected=keys)
    return replace(held, outcome=Outcome.INFORMATION, why=f"the expected mail “{found[0].name}”", expected=keys)


def _sorted(reading: Reading, received_at: datetime, rules: MailRules, trust: Trust) -> SortedMail:
    for rule in rules.rules:
        if rule.matches(reading):
            outcome = Outcome.MUTED if rule.then == "mute" else Outcome.SUPPORT_CALL
            return SortedMail(reading, received_at, outcome, f"the rule “{rule.name}”: {rule.because}")
    if doubt := _doubt(reading, trust):
        return SortedMail(reading, received_at, Outcome.UNVERIFIED, doubt)
    if ref := _unwatched_ref(reading, rules):
        why = f"the process does not watch pipelines of {ref!r}"
        return SortedMail(reading, received_at, Outcome.MUTED, why)
    return SortedMail(reading, received_at, _OUTCOMES[reading.kind])


def _doubt(reading: Reading, trust: Trust) -> str:
    if reading.source is None:
        return ""
    if reading.authenticated is Authenticated.FAIL:
        claimed = reading.alert.kind if reading.kind is MailKind.IGNORED and reading.alert else reading.kind
        claims = claimed in _SAYS_SOMETHING or (claimed is MailKind.IGNORED and reading.alert is None)
        return "a person must say whether it is genuine" if claims else ""
    if reading.kind not in _SAYS_SOMETHING:
        return ""
    if trust.require_authenticated and reading.authenticated is not Authenticated.PASS:
        return "our mail server did not confirm its sender, and mailbox.require_authenticated asks for that"
    domain = address_of(reading).rpartition("@")[2].lower()
    if trust.domains and not any(domain == each or domain.endswith(f".{each}") for each in trust.domains):
        return f"its sender's domain {domain or 'is missing and'} is none of mailbox.trusted_domains"
    return ""


def _unwatched_ref(reading: Reading, rules: MailRules) -> str:
    alert = reading.alert
    if alert is None or alert.source != "gitlab_pipeline" or not alert.resource:
        return ""
    ref = alert.resource
    return "" if any(fnmatchcase(ref, pattern) for pattern in rules.pipeline_refs) else ref
