"""A team's written process as data: levels, the questions that lead to them, follow-ups, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from models.domain.communication_rules import CHANNEL_NAME, Communication, Vendor
from models.domain.judging import Judging, asked
from models.domain.known_issues import KnownIssue
from models.domain.lesson_rules import USUAL, LessonKind
from models.domain.mail import MailRules
from models.domain.notice_rules import Notices, ReviewRules
from models.domain.paging_rules import PagingRules
from models.domain.procedures import Procedures
from models.domain.recent_changes import ChangeRules
from models.domain.reminder_rules import Reminders
from models.domain.report_rules import ReportRules
from models.domain.roles import Roles
from models.domain.security_rules import Security
from models.domain.service_rules import Service
from models.domain.shift_rules import ShiftRules
from models.domain.working_hours import WorkingHours

Answer = int | bool | None
"""A number of users, yes or no, or ``None`` for "not known"."""


@dataclass(frozen=True, slots=True)
class Question:
    """One of the questions that lead to the urgency. ``unknown`` is what "not known" counts as."""

    key: str
    kind: Literal["number", "yes_no"]
    text: str
    unknown: int | bool

    def counted(self, answer: Answer) -> int | bool:
        """Return what an answer counts as; one that does not fit counts as not known."""
        if self.kind == "number":
            fits = isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0
        else:
            fits = isinstance(answer, bool)
        return answer if fits and answer is not None else self.unknown


@dataclass(frozen=True, slots=True)
class Urgency:
    """One level.

    Attributes:
        then: What the level demands: ``continue`` (investigate), ``resolve`` (straight to resolved, with what it
            requires of follow-ups) or ``decide`` (the team meets and a decision is recorded before it can end).
        severity: The tracker's severity for it.
    """

    key: str
    name: str
    meaning: str
    then: Literal["continue", "resolve", "decide"]
    severity: str


@dataclass(frozen=True, slots=True)
class Rule:
    """All of ``needs`` hold, and more than ``users_above`` users: then ``urgency``."""

    urgency: str
    because: str
    users_above: int | None = None
    needs: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One way to decide what an urgent incident needs.

    Attributes:
        updates: What it says of stakeholders (P17): ``now`` for a draft at once, ``never`` for none any more;
            empty for nothing.
    """

    key: str
    name: str
    updates: str = ""


@dataclass(frozen=True, slots=True)
class FollowUpKind:
    """A secondary issue that may be raised because of an incident.

    Attributes:
        title: The proposed title; ``{title}`` stands for the incident's.
        labels: Besides the labels that every follow-up gets.
        required_for: Urgencies, or ``self_resolved``, that can't do without it.
    """

    key: str
    name: str
    question: str
    title: str
    labels: tuple[str, ...] = ()
    required_for: tuple[str, ...] = ()

    def title_for(self, title: str) -> str:
        """Return the proposed title for an incident of that title, at most 200 characters."""
        return self.title.replace("{title}", title)[:200]


@dataclass(frozen=True, slots=True)
class Process:
    """How one team handles incidents."""

    name: str
    title: str
    definition: str
    channel_hint: str
    questions: tuple[Question, ...]
    urgencies: tuple[Urgency, ...]
    rules: tuple[Rule, ...]
    decision_question: str
    decision_options: tuple[Option, ...]
    meeting_url: str
    follow_ups: tuple[FollowUpKind, ...]
    incident_labels: tuple[str, ...]
    review_labels: tuple[str, ...]
    closed_labels: tuple[str, ...]
    follow_up_labels: tuple[str, ...]
    flapping_cycles: int
    flapping_window: timedelta
    digest_cards_per_minute: int
    mail: MailRules = field(default_factory=MailRules)
    procedures: Procedures = field(default_factory=Procedures)
    hours: WorkingHours = field(default_factory=WorkingHours)
    reminders: Reminders = field(default_factory=Reminders)
    known_issues: tuple[KnownIssue, ...] = ()
    security: Security = field(default_factory=Security)
    reports: ReportRules = field(default_factory=ReportRules)
    communication: Communication = field(default_factory=Communication)
    vendors: tuple[Vendor, ...] = ()
    roles: Roles = field(default_factory=Roles)
    channel_name: str = CHANNEL_NAME
    channel_for: tuple[str, ...] = ()
    notices: Notices = field(default_factory=Notices)
    review: ReviewRules = field(default_factory=ReviewRules)
    shifts: ShiftRules = field(default_factory=ShiftRules)
    paging: PagingRules = field(default_factory=PagingRules)
    judging: Judging = field(default_factory=Judging)
    title_prefix: str = ""
    changes: ChangeRules = field(default_factory=ChangeRules)
    fire_name: str = ""
    services: tuple[Service, ...] = ()
    lessons: tuple[LessonKind, ...] = USUAL
    warnings: tuple[str, ...] = ()
    """What its file says that does nothing, each with its place; no mistakes."""

    def urgency(self, key: str | None) -> Urgency | None:
        """Return the level of that key, or ``None``."""
        return next((level for level in self.urgencies if level.key == key), None)

    def follow_up(self, key: str) -> FollowUpKind | None:
        """Return the follow-up kind of that key, or ``None``."""
        return next((kind for kind in self.follow_ups if kind.key == key), None)

    def decision(self, key: str) -> Option | None:
        """Return the way to decide of that key, or ``None``."""
        return next((option for option in self.decision_options if option.key == key), None)

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """Everything that can be answered: the questions, and the tests of an incident that none of them asks."""
        keys = {question.key for question in self.questions}
        tests = asked(self.judging.tests, keys)
        return (*self.questions, *(Question(test.key, "yes_no", test.text, test.holds) for test in tests))

    @property
    def awaits_review(self) -> tuple[str, ...]:
        """The labels that tell an incident that awaits its review from one that is open."""
        return tuple(each for each in self.review_labels if each not in self.incident_labels)

    @property
    def hands_off(self) -> bool:
        """Whether an incident can be handed to the Major Incident Process."""
        return self.decision(self.communication.major_incident_option) is not None

    def assess(self, answers: Mapping[str, Answer]) -> tuple[Urgency, str]:
        """Compute the urgency from the answers (W33, W35, W36).

        An answer that is missing or ``None`` counts as the graver one.

        Returns:
            The level, and the reason in the process's words.
        """
        known = {question.key: question.counted(answers.get(question.key)) for question in self.questions}
        for rule in self.rules:
            users = known.get("users")
            if rule.users_above is not None and not (isinstance(users, int) and users > rule.users_above):
                continue
            if all(known.get(key) is wanted for key, wanted in rule.needs):
                level = self.urgency(rule.urgency)
                if level is not None:
                    return level, rule.because
        return self.urgencies[-1], "no rule of the process fits, so it counts as the gravest"
