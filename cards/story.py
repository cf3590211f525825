"""An incident's story as Markdown: facts to be pasted elsewhere, and the post-mortem document made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cards.actions import encode
from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    link,
    plain,
    safe_url,
    text_block,
)
from cards.timeline import sentence
from cards.words import affected, headline, source_name, times, urgency_name
from models.domain.incidents import Incident
from models.domain.lesson_rules import lesson_kind
from models.domain.process import Process
from models.domain.timeline import Entry, Verb

Safe = Callable[[str], str]
"""Makes foreign text harmless where the document goes; one line."""

MOST_LINES, MOST_COPIED = 150, 12_000
"""How many lines of the timeline a document has, and how many characters fit into one message of Teams."""
_QUIET = frozenset({Verb.REPEATED, Verb.REMINDED, Verb.POST_MORTEM})


def bare(text: str) -> str:
    """Return foreign text for a code block in Teams: one line, which ends neither the block nor a table's cell."""
    return " ".join(clean(text, 600).split()).replace("`", "'").replace("|", "/")


def to_copy(document: Callable[..., str], incident: Incident, timeline: Sequence[Entry], process: Process) -> str:
    """Return ``story`` or ``post_mortem`` as fits into one message: a long one with fewer of its earlier lines."""
    told = ""
    for lines in (MOST_LINES, 80, 40, 20, 10):
        told = document(incident, timeline, process, lines=lines)
        if len(told) <= MOST_COPIED:
            return told
    return f"{told[: MOST_COPIED - 1]}…"


def story(
    incident: Incident,
    timeline: Sequence[Entry],
    process: Process,
    safe: Safe = bare,
    *,
    lines: int = MOST_LINES,
) -> str:
    """Return what happened, for whoever was not there: impact, start, what was done, contact (W37).

    Args:
        timeline: In order.
        safe: Makes foreign text harmless where it goes.
        lines: How many of the timeline; the newest.
    """
    return "\n\n".join(
        part
        for part in (
            f"# Incident {incident.id}: {safe(incident.title)}",
            facts(incident, process, safe),
            f"## What happened\n\n{what_happened(timeline, safe, lines)}",
            _after(incident, process, safe),
        )
        if part
    )


def post_mortem(
    incident: Incident,
    timeline: Sequence[Entry],
    process: Process,
    safe: Safe = bare,
    *,
    lines: int = MOST_LINES,
) -> str:
    """Return the document that the review goes by: blameless, with who, when and what (P54, L38-L41).

    It says nothing of its own writing, so that it is the same until something happens. Its arguments are as of
    ``story``.
    """
    lessons = []
    for key in dict.fromkeys((*(kind.key for kind in process.lessons), *(each.kind for each in incident.lessons))):
        said = [f"- {safe(each.text)} ({safe(each.by.name)})" for each in incident.lessons if each.kind == key]
        name = lesson_kind(key, process.lessons).name
        lessons.append(f"### {safe(name)}\n\n" + ("\n".join(said) or "- nothing noted yet"))
    return "\n\n".join(
        (
            f"# Post-mortem of incident {incident.id}: {safe(incident.title)}",
            "It looks for what to change, and blames nobody: everybody did what seemed right with what they knew.",
            facts(incident, process, safe),
            f"## Who did what when\n\n{what_happened(timeline, safe, lines)}",
            _after(incident, process, safe) or "## Cause\n\nNot known yet.",
            "## Lessons\n\n" + "\n\n".join(lessons),
        )
    )


def facts(incident: Incident, process: Process, safe: Safe) -> str:
    """Return what is known of an incident, as a list."""
    made = incident.assessment
    names = {question.key: question.text for question in process.questions}
    impact = [
        f"{safe(names.get(key, key))} {_answer(value)}"
        for key, value in (made.answers.items() if made else ())
        if value is not None
    ]
    reason = (made.reason or made.because) if made else ""
    urgency = urgency_name(incident, process)
    decision = process.decision(incident.escalation.option) if incident.escalation else None
    began = incident.first_seen or incident.created_at
    ended = incident.resolution.at if incident.resolution else None
    told = [
        ("State", headline(incident)),
        ("Urgency", f"{safe(urgency)} – {safe(reason)}" if urgency else "not assessed"),
        ("Impact", "; ".join(impact)),
        ("Affected", safe(affected(incident, 30))),
        ("Report", safe(incident.summary or "")),
        ("Source", safe(source_name(incident.source)) + (f", {times(incident.count)}" if incident.count else "")),
        ("Began", _when(began)),
        ("Raised", _when(incident.raised_at)),
        ("Resolved", f"{_when(ended)}, after {_long(ended - began)}" if ended else ""),
        ("Owner", safe(incident.owner.name) if incident.owner else "nobody"),
        (
            "Decision",
            f"{safe(decision.name)}, with {safe(incident.escalation.present)}"
            if decision and incident.escalation
            else "",
        ),
        ("Issue", safe(incident.issue_url or incident.issue_key)),
    ]
    return "\n".join(f"- **{name}:** {value}" for name, value in told if value)


def _answer(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def what_happened(timeline: Sequence[Entry], safe: Safe, most: int = MOST_LINES) -> str:
    """Return who did what when, as a table of the newest lines."""
    told = [entry for entry in timeline if entry.verb not in _QUIET]
    left_out = len(told) - most
    lines = [
        f"| {_when(entry.at)} | {safe(entry.actor.name) if entry.actor else 'Wilson'} | {_what(entry, safe)} |"
        for entry in told[-most:]
    ]
    first = f"{left_out} earlier lines are left out.\n\n" if left_out > 0 else ""
    return first + "\n".join(("| when | who | what |", "|---|---|---|", *lines))


def _what(entry: Entry, safe: Safe) -> str:
    if entry.verb is Verb.NOTED:
        return f"{safe(str(entry.data.get('kind') or 'note'))}: {safe(str(entry.data.get('text') or ''))}"
    return safe(sentence(entry, plain=True))


def _after(incident: Incident, process: Process, safe: Safe) -> str:
    parts = []
    if made := incident.resolution:
        cause = made.cause or ("The limit of understanding is reached." if made.limit_reached else "Not named.")
        parts.append(f"## Cause\n\n{safe(cause)}")
    if incident.follow_ups:
        lines = []
        for each in incident.follow_ups:
            kind = process.follow_up(each.kind)
            where = safe(each.url or each.key) or "being raised"
            lines.append(f"- {safe(kind.name if kind else each.kind)}: {safe(each.title)} ({where})")
        parts.append("## Follow-ups\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _long(took: timedelta) -> str:
    minutes = max(int(took.total_seconds() // 60), 0)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def document_text(incident: Incident, said: str, document: str = "") -> str:
    """Return the answer to who asks for the post-mortem, in Markdown.

    Args:
        said: What became of it.
        document: As a block to be copied; empty for none.
    """
    url = safe_url(incident.issue_url)
    where = f" {link(f'Issue {escape(incident.issue_key, 60)}'.strip(), url)}" if url else ""
    block = f"\n\n```\n{document}\n```" if document else ""
    return f"{escape(said, 600)}{where}{block}"


def copy_card(incident: Incident, text: str, label: str = "The story, to be copied", said: str = "") -> Element:
    """Return a card that holds a document in a box that it can be copied from.

    Args:
        text: As ``to_copy`` returns it.
        label: What it is.
        said: What became of it, in Markdown; empty for nothing.
    """
    box: Element = {"type": "Input.Text", "id": "story", "label": label, "isMultiline": True, "value": text}
    head = text_block(headline(incident), weight="Bolder", size="Small")
    body = [container([head], style="emphasis", bleed=True), *([text_block(said)] if said else []), box]
    back = execute("Back", encode("refresh", incident=incident.id), inputs=False)
    return adaptive_card(body, [back], speak=f"{label}: {plain(incident.title, 200)}")
