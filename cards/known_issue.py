"""What the team knows about an alert, on its card; and a proposal of what it should know from now on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cards.blocks import Element, clean, container, gap, host_of, rich_text, safe_url, text_run, unfolding
from models.domain.incidents import Incident
from models.domain.process import Process
from models.domain.recognising import known_issue_of
from models.domain.timeline import Entry, Verb

_MOST, _LONG = 4, 220


def known_issue_lines(incident: Incident, process: Process) -> Iterable[Element]:
    """Return what is known about the incident's alert: its name, and causes, actions and risks folded away."""
    known = known_issue_of(incident, process)
    if known is None or incident.state.finished:
        return
    yield rich_text(
        text_run("Known issue:", 40, subtle=True),
        gap(),
        text_run(known.name, 120, weight="Bolder"),
        spacing="Medium",
    )
    parts = [
        *_several("Probable cause", known.causes),
        *_several("Action", known.actions),
        *_several("Risk", (known.risks,) if known.risks else ()),
        *_several("Ask", (known.owner,) if known.owner else ()),
    ]
    names = {each.key: each.name for each in process.known_issues}
    related = tuple(names[key] for key in known.related if key in names)
    parts += _several("See also", related)
    if url := safe_url(known.url):
        parts.append(rich_text(text_run(f"More at {host_of(url)}", 120, color="Accent", url=url), spacing="None"))
    if parts:
        yield from unfolding("Causes, actions, risks", container(parts, style="emphasis"), "known")


def _several(label: str, texts: Sequence[str]) -> list[Element]:
    lines = [
        rich_text(text_run(f"{label}:", 40, subtle=True), gap(), text_run(text, _LONG), spacing="None")
        for text in texts[:_MOST]
    ]
    if len(texts) > _MOST:
        lines.append(rich_text(text_run(f"and {len(texts) - _MOST} more in the process file", 60, subtle=True)))
    return lines


def runbook_entry(incident: Incident, timeline: Sequence[Entry], process: Process) -> str:
    """Return an entry for the process file, proposed from what a finished incident taught (P55, T1)."""
    known = known_issue_of(incident, process)
    if known is not None:
        return (
            f"“{clean(known.name, 120)}” is in the process file already, as `{known.key}`: "
            "add to its causes and actions there."
        )
    match: list[tuple[str, str]] = [("source", incident.source)]
    if incident.condition:
        match.append(("condition", incident.condition))
    elif incident.source != "person":
        match.append(("title", incident.title))
    if incident.project:
        match.append(("project", incident.project))
    cause = incident.resolution.cause if incident.resolution else ""
    actions = [
        str(entry.data.get("text") or "")
        for entry in timeline
        if entry.verb is Verb.NOTED and entry.data.get("kind") == "action"
    ]
    lines = [
        "[[known_issues]]",
        f'key = "known_{incident.id}"',
        f"name = {_quoted(incident.title)}",
        f"match = {{ {', '.join(f'{field} = {_pattern(value)}' for field, value in match)} }}",
        f"causes = [{_quoted(cause) if cause else ''}]",
        f"actions = [{', '.join(_quoted(each) for each in actions[:10])}]",
        'risks = ""',
        *([f"url = {_quoted(incident.issue_url)}"] if incident.issue_url else []),
    ]
    raise_it = ""
    if process.follow_up("runbook") is not None:
        raise_it = "\n\nTo have it written down by somebody, say `follow-up runbook`."
    return (
        "Proposed for the process file; edit it, and check it with `wilson process check`:\n\n```toml\n"
        + "\n".join(lines)
        + f"\n```{raise_it}"
    )


def _quoted(text: str) -> str:
    cut = clean(text, 500).replace("\\", "\\\\").replace('"', '\\"').replace("`", "'")
    return f'"{cut}"'


def _pattern(text: str) -> str:
    """Return a text as a pattern that matches it, whatever it means to patterns."""
    return _quoted("".join("?" if sign in '*?[]`"\\' else sign for sign in clean(text, 200)))
