"""What stands in GitLab of foreign text: nothing that GitLab would act on, whatever a mail or a note says."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from bot import issues
from bot.adapters.gitlab_text import split_marker, with_marker, without_quick_actions
from models.domain.alerts import Link
from models.domain.incident_parts import FollowUp, Resolution
from models.domain.people import Person
from models.domain.timeline import Entry, NoteKind, Verb
from tests.support import quick_actions
from tests.unit.domain.samples import AT, CANDIDATE, LATER, OWNED, PROCESS
from tests.unit.test_issue_text import (
    HOSTILE,
    commands,
    foreign,
    mentions,
    prose,
    references,
    without_addresses,
)

ALL = "\n".join(HOSTILE)
TEMPLATE = without_quick_actions("## Impact\n/label ~x\n\n- [ ] done\n")


def acts(text: str) -> list[str]:
    """Return all in a text that GitLab would act on, by two readings of its rules."""
    spoken = re.sub(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", prose(text))
    spoken = without_addresses(re.sub(r"\[((?:\\.|[^\]\\])*)\]\(<https://[^>]*>\)", r"\1", spoken))
    found = [*commands(text), *quick_actions.commands(text), *quick_actions.mentions(text)]
    return [*found, *mentions(spoken), *references(spoken)]


@given(foreign, foreign, foreign, foreign)
@example(ALL, ALL, ALL, ALL)
def test_no_foreign_text_acts_in_an_incident(summary: str, line: str, note: str, name: str) -> None:
    person = Person("x", name)
    incident = replace(
        CANDIDATE,
        title=line, source=line, project=name, resource=line, condition=note, severity=name, source_url=line,
        summary=summary, declared_by=person, owner=person, raised_at=LATER,
        links=(Link(name, line), Link(line, note)),
    )  # fmt: skip
    noted = Entry(AT, Verb.NOTED, person, {"text": note, "kind": NoteKind.ACTION.value})
    hint = f'set "{name}" = "x"'
    new = issues.incident_issue(incident, PROCESS, "", [noted], line, "i", issues.Account(None, hint))
    text = with_marker(f"{new.body}\n\n{TEMPLATE}", new.marker)
    assert acts(text) == []
    assert split_marker(text)[1] == new.marker
    assert not re.search(r"\n|^/", new.title)
    assert not mentions(new.title.replace("&", ""))


@given(foreign, foreign, st.sampled_from(list(Verb)))
@example(ALL, ALL, Verb.NOTED)
def test_no_foreign_text_acts_in_a_comment(text: str, name: str, verb: Verb) -> None:
    keys = ("text", "to", "cause", "reason", "because", "urgency", "label", "url", "title", "what", "why")
    entry = Entry(AT, verb, Person("x", name), dict.fromkeys(keys, text))
    body = issues.comment_body(entry)
    owned = replace(OWNED, owner=Person("x", name))
    body = f"{body}\n\n{issues.unmapped(owned, issues.Account(None, text or 'x'))}"
    marker = "<!-- wilson:note:1 -->"
    text = with_marker(body, marker)
    assert acts(text) == []
    assert split_marker(text)[1] == marker


@given(foreign, foreign)
@example(ALL, ALL)
def test_no_foreign_text_acts_in_a_follow_up(cause: str, line: str) -> None:
    resolution = Resolution(cause=cause, limit_reached=False, repositories=(), by=Person("x", line), at=AT)
    incident = replace(
        OWNED, title=line, resolution=resolution, issue_url="https://gitlab.example/iam/admin/-/issues/1"
    )
    new = issues.follow_up_issue(incident, FollowUp("f1", "investigate", line), PROCESS, "i")
    text = with_marker(new.body, new.marker)
    assert acts(text) == []
    assert split_marker(text)[1] == new.marker


@given(foreign)
@example(ALL)
@example("<A\n```\n\n/A")
def test_a_template_loses_its_commands_and_keeps_the_rest(text: str) -> None:
    kept = without_quick_actions(text)
    assert quick_actions.commands(f"{kept}\n") == []
    assert without_quick_actions(kept) == kept
