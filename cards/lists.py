"""Answers in Markdown: lists, the state of one incident, help, greeting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from cards.blocks import escape, link, safe_url
from cards.words import affected, ago, headline, next_step, public_title, source_name, times, urgency_name
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.rota import Swap
from models.domain.timeline import NoteKind
from models.domain.views import IncidentView

_MOST = 30


def incident_list(incidents: Sequence[Incident], process: Process, now: datetime) -> str:
    """Return the unfinished incidents, one a line, in the order given."""
    if not incidents:
        return "There is no unfinished incident."
    lines = [f"- {_line(incident, process, now)}" for incident in incidents[:_MOST]]
    if len(incidents) > _MOST:
        lines.append(f"- and {len(incidents) - _MOST} more")
    unowned = sum(incident.owner is None for incident in incidents)
    covered = "all owned" if not unowned else f"{unowned} without an owner"
    return f"**{len(incidents)} unfinished, {covered}**\n\n" + "\n".join(lines)


def review_called_up(count: int, process: Process) -> str:
    """Return the answer to ``review``."""
    name = escape(process.review.name, 40)
    if not count:
        return f"Nothing awaits the {name}."
    await_it = "1 awaits" if count == 1 else f"{count} await"
    return f"{await_it} the {name}. The card for the meeting follows in the channel."


def reminder_digest(incidents: Sequence[Incident], process: Process, now: datetime) -> str:
    """Return one message about many incidents that lack something, where each had one of its own otherwise."""
    return f"**These wait for somebody.**\n\n{incident_list(incidents, process, now)}"


def _line(incident: Incident, process: Process, now: datetime) -> str:
    parts = ["", ""]
    if not incident.private:
        parts = [headline(incident).partition(" · ")[2], urgency_name(incident, process) or ""]
    if incident.owner is not None:
        parts.append(f"{escape(incident.owner.name, 80)} owns it")
    else:
        parts.append(f"**nobody owns it**, {ago(incident.created_at, now)} old")
    kind = "candidate " if not incident.raised else ""
    told = ", ".join(part for part in (escape(parts[0], 40), escape(parts[1], 80), parts[2]) if part)
    return f"{kind}**#{incident.id}** {escape(public_title(incident), 120)} ({told})"


def status_text(view: IncidentView, now: datetime) -> str:
    """Return how an incident stands, for somebody who asks in the thread."""
    incident, process = view.incident, view.process
    lines = [f"**{headline(incident)}**: {escape(incident.title, 200)}"]
    if incident.owner is not None:
        since = f" for {ago(incident.owned_at, now)}" if incident.owned_at else ""
        lines.append(f"{escape(incident.owner.name, 80)} owns it{since}.")
    elif not incident.state.finished:
        lines.append(f"Nobody owns it, {ago(incident.created_at, now)} after it was reported.")
    if name := urgency_name(incident, process):
        made = incident.assessment
        because = (made.reason or made.because) if made else ""
        lines.append(f"Urgency: {escape(name, 80)}{f' because {escape(because, 200)}' if because else ''}.")
    if incident.count:
        seen = f", last {ago(incident.last_seen, now)} ago" if incident.last_seen else ""
        lines.append(f"{escape(source_name(incident.source), 60)} reported it {times(incident.count)}{seen}.")
    if said := affected(incident):
        lines.append(f"{escape(said, 400)}.")
    if incident.not_safe and not incident.state.finished:
        lines.append(f"**Do not push to {', '.join(escape(name, 100) for name in incident.not_safe[:6])}.**")
    if incident.unconfirmed and not incident.state.finished:
        numbers = ", ".join(str(change.id) for change in incident.unconfirmed[:10])
        lines.append(f"Changes by hand that wait for a second developer: {numbers}.")
    if url := safe_url(incident.issue_url):
        lines.append(f"{link(f'Issue {escape(incident.issue_key, 60)}'.strip(), url)}.")
    if step := next_step(incident, process):
        lines.append(escape(step, 300))
    return "\n\n".join(lines)


def oncall_text(people: Sequence[Person]) -> str:
    """Return who is on call."""
    if not people:
        return "Nobody is on call now, or no rota is configured."
    names = " and ".join(f"**{escape(person.name, 80)}**" for person in people[:10])
    verb = "is" if len(people) == 1 else "are"
    return f"{names} {verb} on call. That means seeing that incidents are handled, not handling each oneself."


def morning_text(people: Sequence[Person]) -> str:
    """Return who is on call today, for the morning."""
    names = " and ".join(f"**{escape(person.name, 80)}**" for person in people[:10])
    verb = "is" if len(people) == 1 else "are"
    return f"{names} {verb} on call today, to see that everything is handled; anybody may take an incident."


def gap_text(gaps: Sequence[date], today: date) -> str:
    """Return on which days nobody is on call."""
    days = ", ".join("today" if day == today else f"on {day:%A}, {day.day} {day:%B}" for day in gaps[:10])
    return f"**Nobody is on call {days}.** Put somebody into the rota, or say `oncall cover @person {gaps[0]}`."


def rota_away_text(why: str) -> str:
    """Return that nobody is named as on call, since the rota can't be read."""
    why = escape(why, 300).rstrip(".")
    return f"**The rota can't be read, so nobody is named as on call:** {why}. `wilson doctor` looks at it."


def review_soon(count: int, meeting: datetime, today: date, process: Process) -> str:
    """Return the announcement of the incident review: on the day before, or where that was missed on the day."""
    day = "today" if meeting.date() == today else "tomorrow"
    await_it = "Nothing awaits it yet." if not count else f"{count} await it: `review` lists them."
    return f"**The {escape(process.review.name, 40)} is {day} at {meeting:%H:%M}.** {await_it}"


def rota_text(days: Sequence[tuple[date, Sequence[Person]]], swaps: Sequence[Swap]) -> str:
    """Return who is on call on some days, with what was changed by command marked."""
    lines = []
    for day, people in days:
        names = ", ".join(escape(person.name, 80) for person in people[:10]) or "**nobody**"
        changed = " (changed)" if any(swap.holds(day) for swap in swaps) else ""
        lines.append(f"- {day:%a} {day.day} {day:%b}: {names}{changed}")
    return "\n".join(lines)


def swap_text(swap: Swap) -> str:
    """Return a change of the rota as a sentence."""
    days = f"{swap.first}" if swap.first == swap.last else f"{swap.first} to {swap.last}"
    whose = f"{escape(swap.out.name, 80)}'s shift" if swap.out is not None else "whoever's shift it is"
    return f"**{escape(swap.into.name, 80)}** takes {whose} on {days}, {escape(swap.by.name, 80)} says."


def help_text(process: Process) -> str:
    """Return every command, with the process's own words for levels, decisions and follow-ups."""
    levels = " | ".join(level.key for level in process.urgencies)
    answers = " ".join(
        f"{question.key}={'<number>' if question.kind == 'number' else 'yes/no/unknown'}"
        for question in process.questions
    )
    options = " | ".join(option.key for option in process.decision_options)
    kinds = " | ".join(kind.key for kind in process.follow_ups)
    notes = " | ".join(kind.value for kind in NoteKind)
    lessons = " | ".join(f"{kind.key}:" for kind in process.lessons)
    tests = (
        f" [{' '.join(f'{each.key}=yes/no' for each in process.judging.tests)}]" if process.judging.tests else ""
    )
    thread = (
        (f"raise{tests}", "it is real; somebody takes it"),
        ("claim", "you take it; that raises it, too"),
        ("assign @person", "somebody takes it who agreed to"),
        ("hand over @person", "pass it on"),
        (f"urgency {answers}", "how bad it is, by the process's questions"),
        (f"urgency <{levels}> because <reason>", "how bad it is, whatever the questions say"),
        *([(f"decide <{options}> with <names>", "what the team decided about it")] if options else []),
        ("note [kind:] <text>", f"into the issue; kind is one of {notes}"),
        ("link <address> [label]", "a merge request, a document, a call"),
        ("change <what> because <why not by merge request>", "a change by hand"),
        ("confirm <number>", "you are the second developer of that change"),
        ("resolve", "it is over; asks the rest"),
        *([(f"follow-up <{kinds}> [title]", "one more issue because of it")] if kinds else []),
        ("put off until <time>: <what it waits for>", "nobody is reminded before; `go on` ends it"),
        ("reopen [reason]", "it is not over after all"),
        ("close at the review [what was learnt]", f"the {escape(process.review.name, 40)} is done with it"),
        ("dismiss [reason]", "it is not an incident"),
        ("merge into <number>", "it is the same problem as another"),
        *(
            [
                (
                    f"role <{' | '.join(role.key for role in process.roles.all)}> @person",
                    "who plays it; or leave",
                )
            ]
            if process.roles.all
            else []
        ),
        ("offer help [how]", "tell the owner; `leave` ends it"),
        ("me too [where]", "you see it, too: the card counts you, once"),
        ("involve @person [why]", "have somebody help"),
        (f"lesson [{lessons}] <text>", "what the team takes from it"),
        ("post-mortem", "the document, to be copied; it is written into the issue where it changed"),
        ("story", "what happened, to be copied"),
        ("runbook add", "propose an entry of the known issues from what this one taught"),
        (
            "vendor <name> <number> <address>",
            "their ticket; again: you asked again; `… closed`; alone: how to ask",
        ),
        *([("handoff", "the facts for the major incident process, to be pasted")] if process.hands_off else []),
        ("channel", "a channel of its own, where the team permits it"),
        ("fire-fire", "raise it, and make channel and log page, in one action; or try again what failed"),
        ("update", "tell stakeholders, after you corrected the draft; `update not needed` stops asking"),
        ("security [reason]", "it is a matter of security: handled in private, its text withheld here"),
        ("security told <who>", "who was told of it"),
        ("status", "how it stands"),
        ("help", "this"),
    )
    channel = (
        ("incident <title>", "declare one that no mail announced"),
        ("fire-fire <title>", "declare one, with a channel, an issue and a log page in one action"),
        ("list", "what is unfinished"),
        *([("services", "what runs where"), ("service <name>", "one of them")] if process.services else []),
        ("definition", "what an incident is to this team, and what is done about what is none"),
        ("review", f"what awaits the {escape(process.review.name, 40)}"),
        ("shift", "what there is to hand over; whoever is on call says that they took over"),
        ("report [month | <day>..<day>]", "how it went"),
        ("oncall", "who is on call, and on the days to come"),
        ("oncall swap @a @b <day>", "the second takes the first one's shift"),
        ("oncall cover @person <day>[..<day>]", "they take it, whoever's it is; `oncall undo <day>` takes it back"),
        ("help", "this"),
    )
    return "\n\n".join(
        (
            f"**{escape(process.title, 120)}**",
            escape(process.definition, 300),
            "**In an incident's thread**",
            "\n".join(_command(*each) for each in thread),
            "**In the channel**",
            "\n".join(_command(*each) for each in channel),
            "The buttons of a card do the same.",
        )
    )


def _command(form: str, meaning: str) -> str:
    return f"- `{form}`: {meaning}"


def greeting(process: Process, devs: str, gateway: str) -> str:
    """Return what Wilson says when it is installed in a team.

    Args:
        process: The team's process.
        devs: The name of the channel for incidents; empty where it was not found.
        gateway: The name of the channel for access requests; empty where it was not found.
    """
    lines = ["**Wilson is here.** It turns alert mails into candidate incidents, and decides nothing by itself:"]
    where = f"in **{escape(devs, 80)}**" if devs else "in a channel that it has not found yet (see `wilson doctor`)"
    points = [
        f"Each problem gets one card {where}, and its thread. It names who is on call; whoever can, claims it.",
        "Owner, urgency and outcome are told in the thread. " + escape(process.channel_hint, 200),
        "The issue in the tracker is raised and kept up to date. Nobody is assigned unless a person says so.",
    ]
    if gateway:
        points.append(f"Requests for API access appear in **{escape(gateway, 80)}**.")
    else:
        points.append("Its channel for requests for API access was not found (see `wilson doctor`).")
    lines.append("\n".join(f"- {point.strip()}" for point in points))
    lines.append("Mention it with `help` to see what it understands.")
    return "\n\n".join(lines)
