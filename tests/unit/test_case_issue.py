"""What a request looks like in the tracker: nothing that a stranger wrote acts there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import case_issue
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.people import Person
from tests.support import quick_actions
from tests.unit.cards.case_samples import DRIVE, PROCEDURES, TAKEN
from tests.unit.cards.samples import AT, MEGAN
from tests.unit.test_issue_text import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_no_foreign_text_acts(text: str) -> None:
    app = TAKEN.app
    assert app is not None
    somebody = Person("a", text, "29:a")
    named = tuple(replace(each, name=text, title=text) for each in app.products)
    hostile = replace(
        app, title=text, app_id=text, name=text, team=text, team_title=text, requester=text, products=named,
        description=text, console_url=text,
    )  # fmt: skip
    written = []
    for case in (
        replace(TAKEN, title=text, app=hostile, owner=somebody),
        replace(DRIVE, title=text, owner=somebody, answers=(("crsids", text),)),
    ):
        issue = case_issue.case_issue(case, PROCEDURES, text, "i", None, text)
        assert "\n" not in issue.title
        written += [issue.body, case_issue.shared_text(case, PROCEDURES, text)]
        data = dict.fromkeys(("text", "why", "reason", "step", "note", "subject", "from", "to", "products"), text)
        for verb in CaseVerb:
            entry = CaseEntry(AT, verb, somebody, dict(data))
            written += [case_issue.case_comment(entry, case, shared=shared) for shared in (False, True)]
    for body in written:
        kept, found, _ = quick_actions.split(body)
        assert found == [], body
        assert quick_actions.mentions(body) == []
        assert kept.strip()


def test_it_says_who_asks_for_what_and_what_is_to_be_done() -> None:
    issue = case_issue.case_issue(TAKEN, PROCEDURES, "https://teams.example/t", "inst", "mb1", "")
    assert issue.title == "API access: My Timetable"
    assert issue.labels == ("issuetype::Support", "team::Identity")
    assert issue.assignee == "mb1"
    for part in ("abc12", "11111111-2222", "Timetabling", "University Card", MEGAN.name, "CARD", "personal"):
        assert part in issue.body
    assert issue.marker == case_issue.case_marker(TAKEN.id, "inst")
