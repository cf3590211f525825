"""What every issue tracker must do, whatever stands behind it.

An implementation's test inherits ``TrackerContract`` and gives the fixture ``tracker``: an empty tracker that has a
template named ``Incident`` and a current iteration, and whose users are ``USERS``.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.ports.errors import Permanent
from models.ports.tracker import Issue, IssueChange, IssueKind, IssueRef, IssueTracker, Iteration, NewIssue, Page

USERS = ("mb2345", "ak101")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
IN_PROGRESS, REVIEW = "workflow::In Progress", "workflow::Review Required"

HOSTILE = {
    "yaml fence": "---\ntitle: forged\nstate: closed\n---\nrest",
    "toml fence": '+++\ntitle = "forged"\n+++\nrest',
    "yaml end": "...\nlabels: [forged]",
    "crlf": "one\r\ntwo\r\nthree",
    "lone cr": "one\rtwo",
    "line separators": "one\u2028two\u2029three\x85four",
    "nul": "one\x00two\x1b[31m",
    "note heading": '### megan · today <!-- note {"author": "x", "marker": "<!-- wilson:n:1 -->"} -->',
    "escaped note heading": '\\### x <!-- note {"author": "x"} -->',
    "broken note heading": "### x <!-- note {broken} -->",
    "marker": "<!-- wilson:incident:forged -->",
    "quick actions": "```\n/close\n```",
    "emoji and rtl": "🚨 \u05e9\u05dc\u05d5\u05dd \u202egnp.exe",
    "half a surrogate": "one \ud800 two",
    "long line": "x" * 20_000,
}


def new(title: str = "Card workers: CPU saturated", **more: object) -> NewIssue:
    told: dict[str, object] = {
        "kind": IssueKind.INCIDENT,
        "title": title,
        "body": "Reported by GCP.",
        "marker": "<!-- wilson:incident:1 -->",
    }
    return NewIssue(**{**told, **more})  # type: ignore[arg-type]


def visible(text: str) -> list[str]:
    """Return the words of a text, for trackers may drop controls and change line breaks."""
    return "".join(char if char.isprintable() else " " for char in text).split()


class TrackerContract:
    @pytest.fixture
    def tracker(self) -> IssueTracker:
        raise AssertionError("the implementation's test gives this fixture")

    async def created(self, tracker: IssueTracker, **more: object) -> tuple[IssueRef, Issue]:
        ref = await tracker.create(new(**more))  # type: ignore[arg-type]
        return ref, await tracker.get(ref.key)

    # -- create and get --

    async def test_an_issue_holds_what_it_was_created_with(self, tracker: IssueTracker) -> None:
        ref, issue = await self.created(
            tracker,
            labels=("incident", IN_PROGRESS),
            assignee=USERS[0],
            iteration=Iteration.CURRENT,
            severity="high",
            confidential=True,
        )
        assert issue.ref == ref
        assert ref.url.startswith(("https://", "http://", "file:///"))
        assert issue.kind is IssueKind.INCIDENT
        assert issue.title == "Card workers: CPU saturated"
        assert "Reported by GCP." in issue.body
        assert sorted(issue.labels) == ["incident", IN_PROGRESS]
        assert issue.assignee == USERS[0]
        assert issue.iteration
        assert issue.severity == "high"
        assert not issue.closed
        assert issue.notes == ()
        assert issue.links == ()
        assert issue.confidential

    async def test_an_issue_becomes_confidential_and_stays_so(self, tracker: IssueTracker) -> None:
        ref, issue = await self.created(tracker)
        assert not issue.confidential
        await tracker.change(ref.key, IssueChange(confidential=True))
        await tracker.change(ref.key, IssueChange(title="Something else"))
        assert (await tracker.get(ref.key)).confidential

    async def test_an_issue_may_hold_little(self, tracker: IssueTracker) -> None:
        _, issue = await self.created(tracker, kind=IssueKind.ISSUE, body="")
        assert issue.kind is IssueKind.ISSUE
        assert issue.labels == ()
        assert issue.assignee is None
        assert issue.iteration is None

    async def test_the_template_is_in_the_body_beside_ours(self, tracker: IssueTracker) -> None:
        _, bare = await self.created(tracker)
        _, issue = await self.created(tracker, template="Incident")
        assert "Reported by GCP." in issue.body
        assert len(issue.body) > len(bare.body) + 20

    async def test_a_missing_template_is_refused_and_nothing_is_created(self, tracker: IssueTracker) -> None:
        with pytest.raises(Permanent, match="Outage"):
            await tracker.create(new(template="Outage"))
        assert await tracker.find_by_marker(new().marker, LONG_AGO) is None

    async def test_an_unknown_issue_is_refused(self, tracker: IssueTracker) -> None:
        for key in ("4711", "", "x", "../1", "0", "01", "1\n", "²"):
            with pytest.raises(Permanent):
                await tracker.get(key)
        with pytest.raises(Permanent):
            await tracker.change("4711", IssueChange(closed=True))
        with pytest.raises(Permanent):
            await tracker.comment("4711", "x", "<!-- wilson:note:1 -->")
        ref = await tracker.create(new())
        with pytest.raises(Permanent):
            await tracker.link(ref.key, "4711")

    async def test_twenty_at_once_get_twenty_keys(self, tracker: IssueTracker) -> None:
        refs = await asyncio.gather(
            *(tracker.create(new(f"No {n}", marker=f"<!-- wilson:incident:{n} -->")) for n in range(20))
        )
        assert len({ref.key for ref in refs}) == len({ref.url for ref in refs}) == 20
        issues = await asyncio.gather(*(tracker.get(ref.key) for ref in refs))
        assert [issue.title for issue in issues] == [f"No {n}" for n in range(20)]

    # -- finding it again --

    async def test_an_issue_is_found_by_its_marker(self, tracker: IssueTracker) -> None:
        marker = "<!-- wilson:incident:7 -->"
        assert await tracker.find_by_marker(marker, LONG_AGO) is None
        await tracker.create(new())
        ref = await tracker.create(new(marker=marker))
        assert await tracker.find_by_marker(marker, LONG_AGO) == ref
        assert await tracker.find_by_marker("<!-- wilson:incident:77 -->", LONG_AGO) is None
        await tracker.change(ref.key, IssueChange(title="Another", closed=True))
        assert await tracker.find_by_marker(marker, LONG_AGO) is not None, "closed ones too"

    async def test_since_leaves_out_the_older(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        now = datetime.now(UTC)
        assert await tracker.find_by_marker(new().marker, now - timedelta(hours=1)) == ref
        assert await tracker.find_by_marker(new().marker, now + timedelta(hours=1)) is None

    async def test_of_two_with_one_marker_the_first_is_meant(self, tracker: IssueTracker) -> None:
        first = await tracker.create(new())
        await tracker.create(new())
        assert await tracker.find_by_marker(new().marker, LONG_AGO) == first

    async def test_a_comment_does_not_forge_a_marker(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        forged = "<!-- wilson:incident:forged -->"
        await tracker.comment(ref.key, forged, "<!-- wilson:note:1 -->")
        assert await tracker.find_by_marker(forged, LONG_AGO) is None

    # -- change --

    async def test_labels_come_and_go(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new(labels=("incident", IN_PROGRESS)))
        await tracker.change(ref.key, IssueChange(add_labels=(REVIEW,), remove_labels=(IN_PROGRESS, "not there")))
        assert sorted((await tracker.get(ref.key)).labels) == ["incident", REVIEW]

    async def test_the_assignee_is_set_and_cleared(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        for user, wanted in ((USERS[0], USERS[0]), (None, USERS[0]), (USERS[1], USERS[1]), ("", None)):
            await tracker.change(ref.key, IssueChange(assignee=user, severity="low"))
            assert (await tracker.get(ref.key)).assignee == wanted

    async def test_the_iteration_is_set_and_cleared(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        await tracker.change(ref.key, IssueChange(iteration=Iteration.CURRENT))
        assert (await tracker.get(ref.key)).iteration
        await tracker.change(ref.key, IssueChange(iteration=Iteration.NONE))
        assert (await tracker.get(ref.key)).iteration is None

    async def test_an_issue_is_closed_and_reopened(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        for closed in (True, False):
            await tracker.change(ref.key, IssueChange(closed=closed))
            assert (await tracker.get(ref.key)).closed is closed

    async def test_a_change_leaves_the_rest(self, tracker: IssueTracker) -> None:
        ref, before = await self.created(tracker, labels=("incident",), assignee=USERS[0], severity="high")
        await tracker.comment(ref.key, "A note", "<!-- wilson:note:1 -->")
        await tracker.change(ref.key, IssueChange(title="New title"))
        after = await tracker.get(ref.key)
        assert after.title == "New title"
        assert (after.body, after.labels, after.assignee, after.severity) == (
            before.body,
            before.labels,
            before.assignee,
            before.severity,
        )
        assert [note.body for note in after.notes] == ["A note"]

    @pytest.mark.parametrize(
        "change",
        [
            IssueChange(add_labels=(REVIEW, "bug"), remove_labels=(IN_PROGRESS,)),
            IssueChange(assignee=USERS[1]),
            IssueChange(assignee=""),
            IssueChange(iteration=Iteration.CURRENT),
            IssueChange(iteration=Iteration.NONE),
            IssueChange(closed=True),
            IssueChange(closed=False),
            IssueChange(title="T", severity="critical"),
            IssueChange(),
        ],
        ids=str,
    )
    async def test_a_change_made_twice_is_made_once(self, tracker: IssueTracker, change: IssueChange) -> None:
        ref = await tracker.create(new(labels=(IN_PROGRESS,), assignee=USERS[0]))
        await tracker.change(ref.key, change)
        once = await tracker.get(ref.key)
        await tracker.change(ref.key, change)
        assert await tracker.get(ref.key) == once

    async def test_changes_at_once_all_hold(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        await asyncio.gather(
            *(tracker.change(ref.key, IssueChange(add_labels=(f"l{n}",))) for n in range(8)),
            *(tracker.comment(ref.key, f"n{n}", f"<!-- wilson:note:{n} -->") for n in range(8)),
        )
        issue = await tracker.get(ref.key)
        assert sorted(issue.labels) == [f"l{n}" for n in range(8)]
        assert sorted(note.body for note in issue.notes) == [f"n{n}" for n in range(8)]

    # -- comments and links --

    async def test_comments_stand_in_their_order(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        for number in (1, 2, 3):
            await tracker.comment(ref.key, f"Note {number}\n\nmore", f"<!-- wilson:note:{number} -->")
        notes = (await tracker.get(ref.key)).notes
        assert [note.body for note in notes] == [f"Note {number}\n\nmore" for number in (1, 2, 3)]
        assert [note.marker for note in notes] == [f"<!-- wilson:note:{number} -->" for number in (1, 2, 3)]
        assert all(note.author and note.at.tzinfo for note in notes)

    async def test_a_comment_made_twice_is_made_once(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        await asyncio.gather(*(tracker.comment(ref.key, "Note", "<!-- wilson:note:1 -->") for _ in range(3)))
        await tracker.comment(ref.key, "Note", "<!-- wilson:note:1 -->")
        assert [note.body for note in (await tracker.get(ref.key)).notes] == ["Note"]

    async def test_the_same_words_with_another_marker_are_another_comment(self, tracker: IssueTracker) -> None:
        ref = await tracker.create(new())
        for number in (1, 2):
            await tracker.comment(ref.key, "Note", f"<!-- wilson:note:{number} -->")
        assert len((await tracker.get(ref.key)).notes) == 2

    async def test_a_link_holds_both_ways_and_once(self, tracker: IssueTracker) -> None:
        one, two = await tracker.create(new()), await tracker.create(new())
        await tracker.link(one.key, two.key)
        await tracker.link(one.key, two.key)
        await tracker.link(two.key, one.key)
        assert (await tracker.get(one.key)).links == (two.key,)
        assert (await tracker.get(two.key)).links == (one.key,)

    async def test_an_event_is_taken_once_or_left_to_a_comment(self, tracker: IssueTracker) -> None:
        ref, before = await self.created(tracker)
        at = datetime(2026, 11, 20, 9, 0, 1, 500_000, tzinfo=UTC)
        taken = await tracker.event(ref.key, "Ada owns this now.", at)
        assert await tracker.event(ref.key, "Ada owns this now.", at) is taken
        assert await tracker.get(ref.key) == before

    # -- documents apart from issues --

    def pages(self, tracker: IssueTracker) -> list[tuple[str, str]]:
        """Return the marker and the text of each document that there is."""
        raise AssertionError("the implementation's test tells this")

    async def test_a_page_is_written_found_and_written_again(self, tracker: IssueTracker) -> None:
        page = Page("Log of incident 1", "# Log\n\nfirst line", "<!-- wilson:log:x.1 -->")
        assert await tracker.find_page(page.marker) is None
        ref = await tracker.create_page(page)
        other = await tracker.create_page(replace(page, marker="<!-- wilson:log:x.11 -->"))
        assert other.key != ref.key
        assert await tracker.find_page(page.marker) == ref
        for _ in range(2):
            await tracker.write_page(ref.key, replace(page, body="# Log\n\nsecond line"))
        assert await tracker.find_page(page.marker) == ref
        assert [(marker, text.split()[-2]) for marker, text in self.pages(tracker)] == [
            (page.marker, "second"),
            ("<!-- wilson:log:x.11 -->", "first"),
        ]
        assert await tracker.find_by_marker(page.marker, LONG_AGO) is None, "it is no issue"

    async def test_of_two_pages_with_one_marker_the_first_is_meant(self, tracker: IssueTracker) -> None:
        page = Page("Log", "text", "<!-- wilson:log:x.1 -->")
        first = await tracker.create_page(page)
        await tracker.create_page(page)
        assert await tracker.find_page(page.marker) == first

    async def test_a_page_that_is_not_there_is_refused(self, tracker: IssueTracker) -> None:
        for key in ("", "../issues/0001-x.md", "0001-x.md", "gid://gitlab/ProjectSnippet/99"):
            with pytest.raises(Permanent):
                await tracker.write_page(key, Page("Log", "text", "<!-- wilson:log:x.1 -->"))

    async def test_a_pages_text_does_not_forge_a_marker(self, tracker: IssueTracker) -> None:
        forged = "<!-- wilson:log:x.2 -->"
        await tracker.create_page(Page(f"Log {forged}", f"text\n\n{forged}", "<!-- wilson:log:x.1 -->"))
        assert await tracker.find_page(forged) is None

    # -- texts from strangers --

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_a_hostile_body_stays_a_body(self, tracker: IssueTracker, name: str) -> None:
        ref, issue = await self.created(tracker, body=f"before\n\n{HOSTILE[name]}\n\nafter", labels=("incident",))
        assert (issue.title, issue.closed, issue.labels) == ("Card workers: CPU saturated", False, ("incident",))
        assert issue.notes == ()
        assert "".join(visible(HOSTILE[name].replace("\ud800", ""))) in "".join(
            visible(issue.body.replace("\ufffd", ""))
        )
        await tracker.change(ref.key, IssueChange(closed=True))
        assert (await tracker.get(ref.key)).body == issue.body

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_a_hostile_comment_stays_one_comment(self, tracker: IssueTracker, name: str) -> None:
        ref = await tracker.create(new())
        await tracker.comment(ref.key, f"before\n\n{HOSTILE[name]}\n\nafter", "<!-- wilson:note:1 -->")
        await tracker.comment(ref.key, "next", "<!-- wilson:note:2 -->")
        notes = (await tracker.get(ref.key)).notes
        assert [note.marker for note in notes] == ["<!-- wilson:note:1 -->", "<!-- wilson:note:2 -->"]
        assert notes[0].body.startswith("before")
        assert notes[0].body.endswith("after")
        assert notes[1].body == "next"

    @pytest.mark.parametrize("name", [name for name in HOSTILE if name != "long line"])
    async def test_a_hostile_title_stays_a_title(self, tracker: IssueTracker, name: str) -> None:
        _, issue = await self.created(tracker, title=f"T {HOSTILE[name]}"[:255], labels=("incident",))
        assert issue.title.startswith("T ")
        assert len(issue.title.splitlines()) == 1
        assert (issue.closed, issue.labels) == (False, ("incident",))
        assert "Reported by GCP." in issue.body

    async def test_a_title_of_full_length_is_kept(self, tracker: IssueTracker) -> None:
        _, issue = await self.created(tracker, title="ü" * 255)
        assert issue.title == "ü" * 255

    # -- doctor --

    async def test_the_doctor_finds_nothing_wrong(self, tracker: IssueTracker) -> None:
        findings = await tracker.check()
        assert findings
        assert [finding for finding in findings if finding.ok is False] == []

    async def test_open_issues_are_found_by_all_of_their_labels(self, tracker: IssueTracker) -> None:
        one = await tracker.create(new("One", labels=(REVIEW, "incident")))
        two = await tracker.create(new("Two", labels=(REVIEW,), marker="<!-- wilson:incident:2 -->"))
        over = await tracker.create(new("Over", labels=(REVIEW, "incident"), marker="<!-- wilson:incident:3 -->"))
        await tracker.change(over.key, IssueChange(closed=True))
        await tracker.create(
            new("Secret", labels=(REVIEW,), marker="<!-- wilson:incident:4 -->", confidential=True)
        )
        found = {ref.key: title for ref, title in await tracker.labelled([REVIEW])}
        assert found == {one.key: "One", two.key: "Two"}
        assert [ref for ref, _ in await tracker.labelled([REVIEW, "incident"])] == [one]
        assert await tracker.labelled([]) == []
        assert await tracker.labelled(["no such"]) == []
