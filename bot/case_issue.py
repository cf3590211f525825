"""What a case looks like in the issue tracker."""

from __future__ import annotations

from collections.abc import Sequence

from bot.issue_text import blocks, fence, link, marker, note_text, plain, title
from cards.case_timeline import case_sentence
from models.domain.access import checks
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.cases import Case
from models.domain.procedures import Procedures
from models.ports.tracker import IssueChange, IssueKind, Iteration, NewIssue


def case_marker(case_id: int, instance: str) -> str:
    """Return the hidden text by which the case's issue is found again."""
    return marker("case", f"{instance}.{case_id}")


def case_issue(
    case: Case,
    procedures: Procedures,
    thread_url: str,
    instance: str,
    username: str | None,
    hint: str,
    before: Sequence[CaseEntry] = (),
) -> NewIssue:
    """Return the case's issue as it is raised: labelled, assigned, in the iteration (W118, W119, W103-W106).

    Args:
        thread_url: Where the team talks about it; empty where that is not known.
        instance: This installation's own name, for the marker.
        username: Of whoever took it; ``None`` where the tracker does not know them.
        hint: What to do so that it does; empty where it does.
        before: What happened before it was taken; what comes later follows as comments.
    """
    procedure = procedures.of(case.procedure)
    labels = procedures.access.labels if case.is_access else (procedure.labels if procedure else ())
    name = "API access" if case.is_access else (procedure.name if procedure else case.procedure)
    return NewIssue(
        kind=IssueKind.ISSUE,
        title=title(f"{name}: {case.title}" if case.is_access else case.title),
        body=blocks(_body(case, procedures, thread_url, hint), _history(before)),
        marker=case_marker(case.id, instance),
        labels=labels,
        assignee=username,
        iteration=Iteration.CURRENT,
    )


def shared_text(case: Case, procedures: Procedures, thread_url: str) -> str:
    """Return the comment by which a case joins the issue of another."""
    return blocks(f"### Also here: number {case.id}, {plain(case.title)}", _body(case, procedures, thread_url, ""))


def case_change(case: Case, username: str | None, *, all_over: bool) -> IssueChange:
    """Return what the issue should say now.

    Args:
        all_over: Whether every case that shares the issue has ended.
    """
    if all_over:
        return IssueChange(iteration=None, closed=True)
    return IssueChange(assignee=username, iteration=Iteration.CURRENT, closed=False)


def case_comment(entry: CaseEntry, case: Case, *, shared: bool) -> str:
    """Return a timeline entry as a comment; where several share the issue, it says which it is about."""
    who = plain(entry.actor.name) if entry.actor else "Wilson"
    which = f"Number {case.id} ({plain(case.title)}): " if shared else ""
    when = f"*{who}, {entry.at:%Y-%m-%d %H:%M} UTC*"
    if entry.verb is CaseVerb.NOTED:
        return blocks(f"{which}**Note** – {when}", note_text(str(entry.data.get("text") or "")))
    said = plain(case_sentence(entry, markdown=False))
    if entry.verb is CaseVerb.ANSWERED:
        return blocks(f"{which}{said}", fence(str(entry.data.get("text") or "")), when)
    return blocks(f"{which}{said}", when)


def _history(entries: Sequence[CaseEntry]) -> str:
    lines = [f"- {entry.at:%Y-%m-%d %H:%M} UTC: {plain(case_sentence(entry, markdown=False))}" for entry in entries]
    return "### What happened before\n\n" + "\n".join(lines[-30:]) if lines else ""


def _body(case: Case, procedures: Procedures, thread_url: str, hint: str) -> str:
    facts: list[tuple[str, str]] = []
    listed = ""
    if case.app is not None:
        app = case.app
        facts += [
            ("App", plain(app.title)),
            ("App id", plain(app.app_id)),
            ("Team", plain(app.team_title or app.team)),
            ("Requested by", plain(app.requester)),
            ("API products", ", ".join(plain(each.title or each.name) for each in app.products)),
            ("In the console", link("open", app.console_url) if app.console_url else ""),
        ]
        listed = "\n".join(f"- {plain(check.text)}" for check in checks(case, procedures.access))
    procedure = procedures.of(case.procedure)
    if procedure is not None:
        labels = {each.key: each.label for each in procedure.fields}
        facts += [(plain(labels.get(key, key)), plain(value)) for key, value in case.answers]
        listed = "\n".join(f"- {plain(step.text)}" for step in procedure.steps)
    if case.call is not None and case.call.url:
        facts.append(("Support call", link(case.call.key, case.call.url)))
    facts += [
        ("Taken by", "; ".join(plain(each) for each in (case.owner.name, hint) if each) if case.owner else ""),
        ("Teams thread", link("open", thread_url) if thread_url else ""),
    ]
    told = "\n".join(f"- **{name}:** {value}" for name, value in facts if value)
    return blocks(told, f"### What is to be checked and done\n\n{listed}" if listed else "")
