"""What must leave the system because of a decision. Stored in the outbox, delivered later.

An effect carries ids and past facts only: what a card or an issue says is rendered at delivery, from the
state of that moment, so that a retry never tells old news.

Those of incidents stand in ``incident_effects``, those of cases in ``case_effects``; here is what is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain.case_effects import CaseEffect, HearAnswer, OpenCase
from models.domain.incident_effects import IncidentEffect
from models.domain.people import Person


@dataclass(frozen=True, slots=True)
class PostMail:
    """Post a quiet card about a mail that is not an alert: unrecognised, unreadable, or for the gateway."""

    mail_id: int


@dataclass(frozen=True, slots=True)
class PostDigest:
    """Post or renew the card that lists candidates which came faster than cards can be posted."""

    digest_id: int


@dataclass(frozen=True, slots=True)
class PostShift:
    """Post the card of a shift's hand-over."""

    shift: int


@dataclass(frozen=True, slots=True)
class RefreshShift:
    """Show everyone that a shift was taken over."""

    shift: int


@dataclass(frozen=True, slots=True)
class AskAtDaysEnd:
    """Ask an incident's owner, at the end of their day, whether they hand it over, put it off, or go on."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class PostReview:
    """Call up the incident review: post the card that lists what awaits it.

    Attributes:
        review: The day, such as 20261126.
    """

    review: int


@dataclass(frozen=True, slots=True)
class RefreshReview:
    """Show everyone the review's card as it is now. Several that wait are one."""

    review: int


@dataclass(frozen=True, slots=True)
class LearnTeam:
    """Look up the channels and members of a team that the bot was installed in, and greet its channel."""

    team_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer somebody's command where it was given.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped.
        card: An Adaptive Card as JSON text; empty for none.
        mentions: Whose ``<at>`` stands in the text.
    """

    service_url: str
    tenant_id: str
    conversation_id: str
    text: str
    card: str = ""
    mentions: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the developers' channel something that belongs into no thread.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped.
        mentions: Whose ``<at>`` stands in it.
        gateway: Whether it is for the channel of requests for access instead.
    """

    text: str
    mentions: tuple[Person, ...] = ()
    gateway: bool = False


@dataclass(frozen=True, slots=True)
class SendReport:
    """Tell how some days went, in the conversation where somebody asked, or else in the developers' channel.

    Attributes:
        first: The first day, ``2026-11-16``.
        after: The day after the last one.
    """

    first: str
    after: str
    service_url: str = ""
    tenant_id: str = ""
    conversation_id: str = ""


Effect = (
    IncidentEffect
    | CaseEffect
    | PostMail
    | PostDigest
    | PostShift
    | RefreshShift
    | AskAtDaysEnd
    | PostReview
    | RefreshReview
    | LearnTeam
    | Answer
    | Tell
    | SendReport
    | OpenCase
    | HearAnswer
)
"""Whatever the outbox carries."""
