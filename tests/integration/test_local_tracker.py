"""The tracker that is a folder: several processes, sudden death, and people with editors."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters import frontmatter, local_files, local_tracker
from bot.adapters.local_files import LocalFiles
from bot.adapters.local_iterations import iteration_of
from bot.adapters.local_tracker import LocalTracker
from models.ports.errors import Ambiguous, Permanent, Temporary
from models.ports.tracker import IssueChange, IssueKind, Iteration, NewIssue

NOW = datetime(2026, 11, 20, 22, 15, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.adapters.local_tracker import LocalTracker
from models.ports.tracker import IssueChange, IssueKind, NewIssue

async def main(path, name, count):
    tracker = LocalTracker(Path(path), "iam/admin", lambda: datetime.now(UTC))
    for n in range(int(count)):
        marker = f"<!-- wilson:{name}:{n} -->"
        ref = await tracker.create(NewIssue(IssueKind.INCIDENT, f"{name} {n}", "x" * 20000, marker))
        await tracker.comment("1", "y" * 20000, marker)
        await tracker.change("1", IssueChange(add_labels=(f"{name}{n}",)))
        print(ref.key, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""

CRASHER = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.adapters.local_tracker import LocalTracker
from models.ports.tracker import IssueChange, IssueKind, NewIssue

NEW = NewIssue(IssueKind.INCIDENT, "old", "x" * 20000, "<!-- wilson:incident:1 -->")

def work(tracker):
    tracker._comment("1", "y" * 20000, "<!-- wilson:note:1 -->")
    tracker._change("1", IssueChange(title="new", closed=True))
    tracker._create(NEW)

def die_at(nth):
    seen = 0
    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code.co_name != "write":
            return None if event == "call" and "local_" not in frame.f_code.co_filename else trace
        if event == "line":
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

for nth in range(1, 500):
    tracker = LocalTracker(Path(sys.argv[1], str(nth)), "iam/admin", lambda: datetime.now(UTC))
    tracker._create(NEW)
    child = os.fork()
    if child == 0:
        die_at(nth)
        work(tracker)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    issues = [tracker._get(str(number)) for number, _ in tracker._numbered()]
    assert all(issue.body == "x" * 20000 for issue in issues)
    first = next(issue for issue in issues if issue.ref.key == "1")
    bodies = [note.body for note in first.notes]
    assert (first.title, first.closed, bodies) in [
        ("old", False, []), ("old", False, ["y" * 20000]), ("new", True, ["y" * 20000])
    ], first.title
    assert int(tracker._create(NEW).key) > max(int(issue.ref.key) for issue in issues)
    assert not list(Path(sys.argv[1], str(nth), ".tmp").iterdir()), "what the dead left is cleared away"
    if status == 0:
        print(nth)
        break
"""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def tracker(tmp_path: Path) -> LocalTracker:
    return LocalTracker(tmp_path, "iam/admin", lambda: NOW)


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


async def one(tracker: LocalTracker, **more: object) -> Path:
    told: dict[str, object] = {
        "kind": IssueKind.INCIDENT,
        "title": "Card workers: CPU ≥ 90 %",
        "body": "Reported by GCP.",
        "marker": "<!-- wilson:incident:1 -->",
    }
    ref = await tracker.create(NewIssue(**{**told, **more}))  # type: ignore[arg-type]
    return Path(unquote(urlparse(ref.url).path))


# -- what a person finds in the folder --


async def test_a_file_bears_the_title_and_its_head_is_yaml(tracker: LocalTracker, tmp_path: Path) -> None:
    file = await one(tracker, labels=("incident", "workflow::In Progress"), assignee="mb2345", confidential=True)
    assert file == tmp_path / "issues" / "0001-card-workers-cpu-90.md"
    _, head, body = file.read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(head) == {
        "title": "Card workers: CPU ≥ 90 %",
        "kind": "incident",
        "state": "opened",
        "project": "iam/admin",
        "labels": ["incident", "workflow::In Progress"],
        "assignee": "mb2345",
        "iteration": None,
        "severity": None,
        "confidential": True,
        "links": [],
        "marker": "<!-- wilson:incident:1 -->",
        "created_at": "2026-11-20T22:15:00+00:00",
        "updated_at": "2026-11-20T22:15:00+00:00",
    }
    assert body == "\nReported by GCP.\n"


async def test_a_comment_can_be_read_in_the_file(tracker: LocalTracker) -> None:
    file = await one(tracker)
    await tracker.comment("1", "Restarted", "<!-- wilson:note:1 -->")
    assert "\n### wilson · 2026-11-20 22:15 UTC <!-- note {" in file.read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8").endswith("-->\n\nRestarted\n")


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_written_head_is_yaml_and_reads_the_same(text: str, items: list[str]) -> None:
    head = frontmatter.FrontMatter()
    head.set("title", text)
    head.set("labels", items)
    again, rest, _ = frontmatter.split(head.dump() + "rest\n---\n")
    assert (again.get("title"), again.get("labels"), rest) == (text, items, "rest\n---\n")
    assert yaml.safe_load(head.dump().split("\n---\n")[0]) == {"title": text, "labels": items}


async def test_what_a_person_edits_is_read_and_kept(tracker: LocalTracker) -> None:
    file = await one(tracker)
    file.write_bytes(
        (
            "---\r\n"
            "# looked after by hand\r\n"
            "state: opened\r\n"
            "labels:\r\n  - incident\r\n  - 'it''s \"odd\"'   # why\r\n"
            "title: Card workers: slow   # retitled\r\n"
            "runbook:\r\n  url: https://x.example\r\n  owner: [a, {b: c}]\r\n"
            "assignee: ak101\r\n"
            "marker: <!-- wilson:incident:1 -->\r\n"
            "created_at: 2026-11-20 22:00:00\r\n"
            "---\r\n"
            "Rewritten.\r\n\r\n---\r\n\r\n"
            "### megan, by hand\r\n\r\n"
            '### megan · today <!-- note {"author": "megan"} -->\r\n'
            "A note of hers.\r\n"
        ).encode()
    )
    issue = await tracker.get("1")
    assert (issue.title, issue.assignee, issue.labels) == (
        "Card workers: slow",
        "ak101",
        ("incident", 'it\'s "odd"'),
    )
    assert issue.body == "Rewritten.\n\n---\n\n### megan, by hand"
    assert [(note.author, note.body, note.marker) for note in issue.notes] == [("megan", "A note of hers.", "")]
    assert await tracker.find_by_marker("<!-- wilson:incident:1 -->", LONG_AGO) == issue.ref

    await tracker.change("1", IssueChange(add_labels=("bug",), closed=True))
    await tracker.comment("1", "Ours", "<!-- wilson:note:1 -->")
    text = file.read_text(encoding="utf-8")
    for kept in (
        "# looked after by hand",
        "title: Card workers: slow   # retitled",
        "runbook:\n  url: https://x.example",
    ):
        assert kept in text
    issue = await tracker.get("1")
    assert issue.labels == ("incident", 'it\'s "odd"', "bug")
    assert issue.closed
    assert [note.body for note in issue.notes] == ["A note of hers.", "Ours"]


async def test_a_file_may_be_renamed_behind_its_number(tracker: LocalTracker, tmp_path: Path) -> None:
    file = await one(tracker)
    file.rename(tmp_path / "issues" / "0001-the-great-outage.md")
    assert (await tracker.get("1")).ref.url.endswith("0001-the-great-outage.md")
    (tmp_path / "issues" / "1.md").write_text("---\ntitle: x\n---\n", encoding="utf-8")
    with pytest.raises(Permanent, match="two files"):
        await tracker.get("1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", 1),
        (b"no head", 1),
        (b"---\ntitle: x\n", 3),
        (b"---\ntitle: x\n\xff\n---\n", 3),
        (b"---\ntitle: x\nwhat is this\n---\n", 3),
        (b"---\ntitle: x\ntitle: y\n---\n", 3),
        (b"---\n  indented\n---\n", 2),
        (b'---\nkind: issue\ntitle: "x\n---\n', 3),
        (b'---\nkind: issue\ntitle: "x" y\n---\n', 3),
        (b"---\ntitle: 'x\n---\n", 2),
        (b"---\ntitle: |\n  x\n---\n", 2),
        (b"---\ntitle: *x\n---\n", 2),
        (b"---\nlabels: [a, {b}]\n---\n", 2),
        (b"---\nlabels: [a\n---\n", 2),
        (b"---\nlabels:\n  - a\n  b\n---\n", 2),
        (b"---\ntitle: x\nstate: ajar\n---\n", 3),
        (b"---\ntitle: x\nkind: rumour\n---\n", 3),
        (b"---\ntitle: x\n---\n\n### x <!-- note {broken} -->\n", 5),
    ],
)
async def test_a_broken_file_is_named_with_its_line(tracker: LocalTracker, text: bytes, line: int) -> None:
    file = await one(tracker)
    file.write_bytes(text)
    with pytest.raises(Permanent, match=f"{file.name}:{line}: "):
        await tracker.get("1")
    bad = [finding for finding in await tracker.check() if finding.ok is False]
    assert len(bad) == 1
    assert f"{file.name}:{line}: " in bad[0].text
    assert file.read_bytes() == text


async def test_a_broken_file_is_no_hindrance_to_others(tracker: LocalTracker) -> None:
    (await one(tracker)).write_bytes(b"broken")
    await one(tracker, marker="<!-- wilson:incident:2 -->")
    found = await tracker.find_by_marker("<!-- wilson:incident:2 -->", LONG_AGO)
    assert found is not None
    assert found.key == "2"


async def test_a_text_in_a_body_is_no_marker(tracker: LocalTracker) -> None:
    await one(tracker, body="<!-- wilson:incident:9 -->")
    assert await tracker.find_by_marker("<!-- wilson:incident:9 -->", LONG_AGO) is None


# -- templates and iterations --


async def test_the_default_template_is_written_once_then_the_teams(tracker: LocalTracker, tmp_path: Path) -> None:
    await one(tracker, template="Incident")
    template = tmp_path / "templates" / "Incident.md"
    assert template.read_text(encoding="utf-8") == local_tracker.DEFAULT_TEMPLATE
    template.write_text("## Ours\r\n", encoding="utf-8")
    await one(tracker, template="Incident")
    assert (await tracker.get("2")).body == "Reported by GCP.\n\n## Ours"


@pytest.mark.parametrize("name", ["", "../Incident", "a/b", ".hidden", "x\0", "a\\b"])
async def test_a_template_is_a_file_of_its_folder(tracker: LocalTracker, name: str) -> None:
    with pytest.raises(Permanent, match="template"):
        await one(tracker, template=name)


async def test_the_iteration_is_the_fortnight_or_the_team_s(tracker: LocalTracker, tmp_path: Path) -> None:
    await one(tracker, iteration=Iteration.CURRENT)
    assert (await tracker.get("1")).iteration == "2026-11-09 to 2026-11-22"
    (tmp_path / "iterations.toml").write_text(
        '[[iterations]]\nname = "Sprint 23"\nfrom = 2026-11-16\nto = 2026-11-20\n', encoding="utf-8"
    )
    await tracker.change("1", IssueChange(iteration=Iteration.CURRENT))
    assert (await tracker.get("1")).iteration == "Sprint 23"
    later = LocalTracker(tmp_path, "iam/admin", lambda: NOW + timedelta(days=1))
    await later.change("1", IssueChange(iteration=Iteration.CURRENT))
    assert (await tracker.get("1")).iteration == "2026-11-09 to 2026-11-22"


@pytest.mark.parametrize(
    "text", ["[[iterations]]\nname = 1\n", "iterations = 1", "nonsense", '[[iterations]]\nname = "x"']
)
async def test_broken_iterations_are_named(tracker: LocalTracker, tmp_path: Path, text: str) -> None:
    (tmp_path / "iterations.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Permanent, match=r"iterations\.toml"):
        await one(tracker, iteration=Iteration.CURRENT)
    assert [finding.subject for finding in await tracker.check() if not finding.ok] == ["tracker iteration"]


def test_fortnights_follow_each_other(tmp_path: Path) -> None:
    days = [date(2025, 12, 1) + timedelta(days=n) for n in range(80)]
    names = [
        iteration_of(tmp_path / "iterations.toml", datetime(day.year, day.month, day.day, tzinfo=UTC))
        for day in days
    ]
    for day, name in zip(days, names, strict=True):
        first, last = (date.fromisoformat(part) for part in name.split(" to "))
        assert first <= day <= last
        assert (first.weekday(), last.weekday()) == (0, 6)


# -- numbers, other processes, and death --


async def test_a_number_is_never_given_twice(tracker: LocalTracker, tmp_path: Path) -> None:
    (await one(tracker)).unlink()
    await one(tracker)
    assert [file.name[:4] for file in (tmp_path / "issues").iterdir()] == ["0002"]
    (tmp_path / ".counter").unlink()
    await one(tracker)
    assert sorted(file.name[:4] for file in (tmp_path / "issues").iterdir()) == ["0002", "0003"]
    (tmp_path / ".counter").write_text("x", encoding="utf-8")
    with pytest.raises(Permanent, match=r"\.counter:1"):
        await one(tracker)


async def test_two_processes_write_at_once(tracker: LocalTracker, tmp_path: Path) -> None:
    await one(tracker)
    workers = [start(tmp_path, name, 15) for name in ("a", "b")]
    keys = [key for worker in workers for key in (await asyncio.to_thread(worker.communicate))[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(keys) == len(set(keys)) == 30
    issue = await tracker.get("1")
    assert len(issue.notes) == len({note.marker for note in issue.notes}) == 30
    assert sorted(issue.labels) == sorted(f"{name}{n}" for name in "ab" for n in range(15))


def test_a_process_killed_at_any_line_of_a_write_leaves_whole_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASHER, str(tmp_path)], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


async def test_a_lock_that_is_not_given_up_is_temporary(
    tracker: LocalTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one(tracker)
    monkeypatch.setattr(local_files, "LOCK_SECONDS", 0.05)
    with LocalFiles(tmp_path, ()).writing():
        with pytest.raises(Temporary, match=r"\.lock"):
            await tracker.change("1", IssueChange(closed=True))
        assert not (await tracker.get("1")).closed, "reading needs no lock"


@pytest.mark.parametrize(("number", "kind"), [(28, Temporary), (5, Temporary), (13, Permanent), (30, Permanent)])
async def test_what_the_disk_refuses_changes_nothing(
    tracker: LocalTracker, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    file = await one(tracker)
    before = file.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(kind, match=os.strerror(number)):
        await tracker.change("1", IssueChange(closed=True))
    assert file.read_bytes() == before


async def test_a_write_that_may_not_last_is_ambiguous(
    tracker: LocalTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one(tracker)
    fsync: Callable[[int], None] = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(5, os.strerror(5))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with pytest.raises(Ambiguous):
        await tracker.change("1", IssueChange(closed=True))


async def test_a_change_that_changes_nothing_writes_nothing(tracker: LocalTracker) -> None:
    file = await one(tracker, labels=("incident",))
    before = file.stat().st_ino
    await tracker.change("1", IssueChange(add_labels=("incident",), closed=False, assignee=""))
    assert file.stat().st_ino == before


async def test_an_issue_is_not_linked_to_itself(tracker: LocalTracker) -> None:
    await one(tracker)
    with pytest.raises(Permanent, match="itself"):
        await tracker.link("1", "1")


async def test_the_doctor_looks_without_changing_anything(tmp_path: Path) -> None:
    findings = await LocalTracker(tmp_path / "new" / "folder", "iam/admin", lambda: NOW).check()
    assert all(finding.ok for finding in findings)
    assert "will be written" in findings[1].text
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (finding,) = await LocalTracker(tmp_path / "file" / "x", "iam/admin", lambda: NOW).check()
    assert finding.ok is False
    assert "tracker.path" in finding.advice
