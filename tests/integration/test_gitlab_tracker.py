"""GitLab as the tracker: what is known after each failure, what is found out, and who is who."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import gitlab
import pytest
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from graphql import parse, validate
from pydantic import SecretStr

from bot.adapters import gitlab_queries
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.gitlab_text import split_marker, with_marker, without_quick_actions
from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.ports.tracker import IssueChange, IssueKind, Iteration, NewIssue
from models.settings import Tracker
from tests.support.gitlab import TOKEN, Fault, GitLab
from tests.support.gitlab_contract import graphql_schema, needs_contracts
from tests.support.gitlab_state import PATH, TEMPLATE, Cadence, Issue, Note

pytestmark = needs_contracts
MARKER = "<!-- wilson:incident:x.1 -->"
NEW = NewIssue(
    IssueKind.INCIDENT,
    "Card workers: CPU saturated",
    "Reported by GCP.",
    MARKER,
    template="Incident",
    labels=("workflow::In Progress",),
    assignee="mb2345",
    iteration=Iteration.CURRENT,
    severity="high",
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Desk:
    """A tracker, its GitLab, and a clock."""

    def __init__(self, server: GitLab, **settings: Any) -> None:
        self.server = server
        self.late = timedelta()
        told = {"kind": "gitlab", "url": server.url, "token": SecretStr(TOKEN), "timeout_seconds": 0.5} | settings
        labels = ("workflow::In Progress", "workflow::Review Required")
        self.tracker = GitLabTracker(Tracker(**told), lambda: datetime.now(UTC) + self.late, labels)

    async def findings(self) -> dict[str, Finding]:
        return {each.subject: each for each in await self.tracker.check()}


@pytest.fixture
async def server() -> AsyncIterator[GitLab]:
    async with GitLab().running() as running:
        yield running
        assert running.violations == []
        assert running.commands == []


@pytest.fixture
async def desk(server: GitLab) -> AsyncIterator[Desk]:
    made = Desk(server)
    yield made
    await made.tracker.close()


@pytest.fixture
async def make(server: GitLab) -> AsyncIterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def desk(**settings: Any) -> Desk:
        made.append(Desk(server, **settings))
        return made[-1]

    yield desk
    for each in made:
        await each.tracker.close()


# -- one call where the server allows it ------------------------------------------------------------------


async def test_an_incident_is_raised_by_one_call_besides_its_severity(desk: Desk) -> None:
    await desk.tracker.create(NEW)
    desk.server.asked.clear()
    ref = await desk.tracker.create(NEW)
    assert desk.server.asked == ["createIssue", "issueSetSeverity"]
    issue = desk.server.issues[-1]
    assert (issue.iteration, issue.severity, issue.type, issue.labels) == (
        41, "HIGH", "incident", ["workflow::In Progress"],
    )  # fmt: skip
    desk.server.asked.clear()
    change = IssueChange(title=NEW.title, add_labels=NEW.labels, assignee="mb2345", iteration=Iteration.CURRENT)
    await desk.tracker.change(ref.key, replace(change, severity="high"))
    assert desk.server.asked == ["GET issue"], "what is so already is not asked for"


async def test_without_premium_all_but_the_iteration_is_there(desk: Desk) -> None:
    desk.server.premium = False
    ref = await desk.tracker.create(NEW)
    issue = await desk.tracker.get(ref.key)
    assert (issue.iteration, issue.severity, issue.assignee) == (None, "high", "mb2345")
    await desk.tracker.change(
        ref.key,
        IssueChange(
            add_labels=("workflow::Review Required",),
            remove_labels=("workflow::In Progress",),
            iteration=Iteration.NONE,
        ),
    )
    assert (await desk.tracker.get(ref.key)).labels == ("workflow::Review Required",)
    found = (await desk.findings())["tracker iteration"]
    assert found.ok is None
    assert "Premium" in found.text


async def test_without_graphql_an_incident_is_raised_by_rest(desk: Desk) -> None:
    desk.server.graphql = False
    ref = await desk.tracker.create(NEW)
    issue = await desk.tracker.get(ref.key)
    assert (issue.kind, issue.assignee, issue.labels) == (
        IssueKind.INCIDENT, "mb2345", ("workflow::In Progress",),
    )  # fmt: skip
    await desk.tracker.change(ref.key, IssueChange(severity="low", iteration=Iteration.NONE, closed=True))
    assert (await desk.tracker.get(ref.key)).closed
    assert await desk.tracker.find_by_marker(MARKER, LONG_AGO) == ref
    assert "GraphQL" in (await desk.findings())["tracker iteration"].text


async def test_several_cadences_need_one_named(server: GitLab, make: Callable[..., Desk]) -> None:
    today = datetime.now(UTC).date()
    server.cadences.append(Cadence(5, "Other team", [(51, today, today)]))
    plain = make()
    await plain.tracker.create(NEW)
    assert server.issues[-1].iteration is None
    assert "tracker.cadence" in (await plain.findings())["tracker iteration"].text
    await make(cadence="other  TEAM").tracker.create(NEW)
    assert server.issues[-1].iteration == 51
    assert "no such" not in (await make(cadence="Nobody").findings())["tracker iteration"].text


async def test_a_new_iteration_is_noticed_when_the_old_one_ends(server: GitLab, make: Callable[..., Desk]) -> None:
    desk = make()
    ref = await desk.tracker.create(replace(NEW, iteration=Iteration.NONE))
    today = datetime.now(UTC).date()
    server.cadences[0].iterations = [(42, today, today)]
    await desk.tracker.change(ref.key, IssueChange(severity="low"))
    desk.late = timedelta(minutes=61)
    await desk.tracker.change(ref.key, IssueChange(iteration=Iteration.CURRENT))
    assert server.issues[-1].iteration == 42


async def test_an_iteration_that_vanished_does_not_keep_an_incident_from_being_raised(desk: Desk) -> None:
    await desk.tracker.create(NEW)
    desk.server.cadences[0].iterations.clear()
    await desk.tracker.create(replace(NEW, marker="<!-- wilson:incident:x.2 -->"))
    assert [each.iteration for each in desk.server.issues] == [41, None]


# -- templates and markers --------------------------------------------------------------------------------


async def test_the_template_comes_without_its_commands(desk: Desk) -> None:
    await desk.tracker.create(NEW)
    (issue,) = desk.server.issues
    assert issue.description.startswith("Reported by GCP.\n\n## Impact")
    assert "/usr/bin/true" in issue.description
    assert issue.description.endswith(f"\n\n{MARKER}")
    assert issue.state == "opened"
    assert desk.server.labels == {"workflow::In Progress", "workflow::Review Required"}


async def test_a_missing_template_is_replaced_and_reported(desk: Desk) -> None:
    desk.server.templates.clear()
    await desk.tracker.create(NEW)
    assert "## Resolved when" in desk.server.issues[0].description
    assert (await desk.findings())["tracker template"].ok is False


def test_only_commands_are_taken_out_of_a_template() -> None:
    assert without_quick_actions(TEMPLATE) == "## Impact\n\n\n## Resolution\n\n```\n /usr/bin/true\n```"
    assert without_quick_actions("a\r\n/close\r\n  /label ~x\n/ not\na /close") == "a\n/ not\na /close"


def test_a_marker_is_the_last_of_its_kind() -> None:
    forged = "<!-- wilson:incident:forged -->"
    text = with_marker(f"a\n{forged}", MARKER)
    assert split_marker(text) == (f"a\n{forged}", MARKER)
    assert split_marker(f"{text}\n\nwritten under it by a person") == (
        f"a\n{forged}\n\n\nwritten under it by a person", MARKER,
    )  # fmt: skip
    assert split_marker("a <!-- wilson:incident:1 --> b") == ("a <!-- wilson:incident:1 --> b", "")


async def test_somebody_elses_marker_counts_for_nothing(desk: Desk) -> None:
    megan = desk.server.users[1]
    now = datetime.now(UTC)
    desk.server.issues.append(Issue(50, 1, "incident", "t", f"x\n\n{MARKER}", megan, now))
    assert await desk.tracker.find_by_marker(MARKER, LONG_AGO) is None
    desk.server.issues[0].notes.append(Note(51, megan, f"x\n\n{MARKER}", now))
    await desk.tracker.comment("1", "ours", MARKER)
    await desk.tracker.comment("1", "ours", MARKER)
    notes = (await desk.tracker.get("1")).notes
    assert [(note.author, note.marker) for note in notes] == [("mb2345", ""), ("project_7_bot", MARKER)]


async def test_a_marker_is_found_behind_the_first_page(desk: Desk) -> None:
    bot, now = desk.server.bot, datetime.now(UTC)
    desk.server.issues += [Issue(n, n, "issue", "t", f"{n}", bot, now) for n in range(1, 131)]
    desk.server.issues[-1].description = MARKER
    found = await desk.tracker.find_by_marker(MARKER, LONG_AGO)
    assert found is not None
    assert found.key == "130"


# -- what is known after a failure ------------------------------------------------------------------------

VERBS: dict[str, tuple[str, Callable[[GitLabTracker], Awaitable[Any]]]] = {
    "create": ("createIssue", lambda tracker: tracker.create(NEW)),
    "find": ("GET issues", lambda tracker: tracker.find_by_marker(MARKER, LONG_AGO)),
    "get": ("GET issue", lambda tracker: tracker.get("1")),
    "change": ("PUT issue", lambda tracker: tracker.change("1", IssueChange(title="New"))),
    "severity": ("issueSetSeverity", lambda tracker: tracker.change("1", IssueChange(severity="low"))),
    "iteration": ("issueSetIteration", lambda tracker: tracker.change("1", IssueChange(iteration=Iteration.NONE))),
    "comment": ("POST notes", lambda tracker: tracker.comment("1", "x", MARKER)),
    "link": ("POST links", lambda tracker: tracker.link("1", "2")),
}
LOST = ("drop before", "drop after", "slow", "garbage", "500 after", 500, 502)
REFUSED = (400, 403, 404, 422)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", [*LOST, *REFUSED, 409, 429, 401])
async def test_each_failure_of_each_verb_is_what_it_is(desk: Desk, verb: str, kind: str | int) -> None:
    call, ask = VERBS[verb]
    for number in (1, 2):
        await desk.tracker.create(replace(NEW, marker=f"<!-- wilson:incident:y.{number} -->"))
    desk.server.faults.append(Fault(call, kind, times=2 if "drop" in str(kind) else 1))
    not_repeatable = verb in ("create", "comment")
    if kind == 409 and verb == "link":
        await ask(desk.tracker)
        return
    with pytest.raises(PortError) as caught:
        await ask(desk.tracker)
    error = caught.value
    assert TOKEN not in str(error)
    if kind in LOST:
        assert type(error) is (Ambiguous if not_repeatable else Temporary)
    elif kind == 429:
        assert isinstance(error, Temporary)
        assert error.retry_after == 60
    elif kind == 401:
        assert isinstance(error, Unauthorised)
        assert error.retry_after == 300
    elif kind == 409:
        assert type(error) is Ambiguous if not_repeatable else isinstance(error, Permanent)
    else:
        assert isinstance(error, Permanent)
        assert f"({kind}): {kind} told so" in str(error)
    if isinstance(error, Ambiguous):
        assert error.settle_after == 0.5


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "17"}, 17),
        ({"RateLimit-Reset": "{reset}"}, 40),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "inf"}, 60),
        ({"Retry-After": "99999999"}, 3600),
    ],
)
async def test_429_says_how_long_to_wait(desk: Desk, headers: dict[str, str], wait: float) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 40
    told = {name: value.format(reset=reset) for name, value in headers.items()}
    desk.server.faults.append(Fault("GET user", 429, told))
    with pytest.raises(Temporary) as caught:
        await desk.tracker.get("1")
    assert caught.value.retry_after == pytest.approx(wait, abs=2)


async def test_a_server_that_is_not_there_did_nothing(make: Callable[..., Desk], server: GitLab) -> None:
    desk = make()
    await desk.tracker.create(NEW)
    desk.tracker._api._url = "http://127.0.0.1:9"
    with pytest.raises(Temporary, match="can't be reached"):
        await desk.tracker.create(NEW)


@pytest.mark.parametrize(("kind", "words"), [("refused", "permission"), ("not valid", "Title is too long")])
async def test_both_of_graphqls_ways_to_tell_errors_are_heard(desk: Desk, kind: str, words: str) -> None:
    desk.server.faults.append(Fault("createIssue", kind))
    with pytest.raises(Permanent, match=words):
        await desk.tracker.create(NEW)
    assert desk.server.issues == []


async def test_a_severity_that_fails_does_not_undo_the_issue(desk: Desk) -> None:
    desk.server.faults.append(Fault("issueSetSeverity", 403))
    ref = await desk.tracker.create(NEW)
    assert (await desk.tracker.get(ref.key)).severity is None


# -- who is who -------------------------------------------------------------------------------------------

ADA = Person("aad-ada", "Ada Example", "29:ada", "ada.example")


async def test_people_are_known_by_map_by_login_and_by_name(make: Callable[..., Desk], server: GitLab) -> None:
    plain = make().tracker
    assert await plain.username_of(ADA) == "ak101", "by the public name"
    assert await plain.username_of(Person("x", "Anybody", username="MB2345")) == "mb2345", "by the login"
    assert await plain.username_of(Person("x", "A Stranger")) is None, "not a member"
    server.users.append(replace(server.users[2], id=77, username="ada2"))
    assert await make().tracker.username_of(ADA) is None, "two of that name"
    for key in ("AAD-ada", "ada.example@uis.example", "ada example"):
        assert await make(users={key: "mb2345"}).tracker.username_of(ADA) == "mb2345"
    assert "aad-ada" in plain.how_to_map(ADA)
    assert "[tracker.users]" in plain.how_to_map(ADA)


async def test_an_unknown_assignee_does_not_keep_an_incident_from_being_raised(desk: Desk) -> None:
    ref = await desk.tracker.create(replace(NEW, assignee="nobody.known"))
    assert (await desk.tracker.get(ref.key)).assignee is None
    desk.server.asked.clear()
    await desk.tracker.change(ref.key, IssueChange(assignee="nobody.known"))
    assert "GET users" not in desk.server.asked, "it is remembered for a while"


# -- the doctor -------------------------------------------------------------------------------------------


async def test_the_doctor_names_what_is_missing(desk: Desk) -> None:
    server = desk.server
    server.token |= {"expires_at": str(datetime.now(UTC).date() + timedelta(days=13))}
    server.bot.access_level = 20
    server.labels.clear()
    server.cadences[0].iterations.clear()
    found = await desk.findings()
    assert "13 days" in found["tracker token"].text
    assert found["tracker token"].ok is False
    assert "Developer" in found["tracker role"].advice
    assert "workflow::In Progress" in found["tracker labels"].text
    assert found["tracker iteration"].ok is None
    assert found["tracker project"].ok


async def test_the_doctor_knows_a_token_of_little_use(desk: Desk, make: Callable[..., Desk]) -> None:
    desk.server.token |= {"scopes": ["read_api"]}
    assert "needs api" in (await desk.findings())["tracker token"].text
    found = await make(token=SecretStr("wrong")).findings()
    assert list(found) == ["tracker token"]
    assert "401" in found["tracker token"].text
    desk.server.token |= {"scopes": ["api"]}
    found = await make(project="iam/other").findings()
    assert "404" in found["tracker project"].text


# -- the stand-in, by clients of others -------------------------------------------------------------------


def test_what_is_asked_in_graphql_is_valid() -> None:
    for document in gitlab_queries.ALL:
        assert validate(graphql_schema(), parse(document)) == []


async def test_python_gitlab_takes_the_stand_in_for_a_gitlab(server: GitLab) -> None:
    def talk() -> tuple[Any, ...]:
        client = gitlab.Gitlab(server.url, private_token=TOKEN)
        client.auth()
        project = client.projects.get(PATH)
        issue = project.issues.create(
            {"title": "One", "issue_type": "incident", "labels": ["a"], "description": "x"}
        )
        other = project.issues.create({"title": "Two"})
        issue.notes.create({"body": "A note"})
        issue.links.create({"target_project_id": PATH, "target_issue_iid": other.iid})
        issue.add_labels = ["b"]
        issue.state_event = "close"
        issue.save()
        with pytest.raises(gitlab.GitlabGetError):
            project.issues.get(99)
        listed = [each.title for each in project.issues.list(iterator=True, per_page=1, state="all", sort="asc")]
        notes = [each.body for each in issue.notes.list(get_all=True, activity_filter="only_comments")]
        names = [each.username for each in project.members_all.list(get_all=True)]
        return listed, notes, project.issues.get(1).state, project.issues.get(1).labels, names

    listed, notes, state, labels, names = await asyncio.to_thread(talk)
    assert (listed, notes, state, labels) == (["One", "Two"], ["A note"], "closed", ["a", "b"])
    assert "mb2345" in names


async def test_gql_takes_the_stand_in_for_a_gitlab(server: GitLab) -> None:
    transport = AIOHTTPTransport(f"{server.url}/api/graphql", headers={"Authorization": f"Bearer {TOKEN}"})
    async with Client(transport=transport, schema=graphql_schema()) as session:
        asked = {"projectPath": PATH, "title": "One", "type": "INCIDENT"}
        query = gql(gitlab_queries.CREATE)
        query.variable_values = {"input": asked}
        made = await session.execute(query)
        query = gql(gitlab_queries.ITERATIONS)
        query.variable_values = {"path": PATH}
        told = await session.execute(query)
    assert made["createIssue"]["issue"]["iid"] == "1"
    assert [each["id"] for each in told["project"]["iterations"]["nodes"]] == ["gid://gitlab/Iteration/41"]


async def test_the_stand_in_acts_on_foreign_text_as_gitlab_does() -> None:
    async with GitLab().running() as server:
        desk = Desk(server)
        ref = await desk.tracker.create(replace(NEW, template=None, body="hello @all\n/close\n```\n/title x\n```"))
        assert (await desk.tracker.get(ref.key)).closed
        assert (server.commands, server.mentioned) == (["close"], ["all"])
        await desk.tracker.close()


async def test_an_event_that_gitlab_does_not_take_is_left_to_a_comment(desk: Desk) -> None:
    now = datetime.now(UTC)
    incident = await desk.tracker.create(NEW)
    other = await desk.tracker.create(replace(NEW, kind=IssueKind.ISSUE))
    assert await desk.tracker.event(incident.key, "It happened.", now)
    assert not await desk.tracker.event(other.key, "It happened.", now)
    assert not await desk.tracker.event(incident.key, "x" * 281, now)
    desk.server.faults = [Fault("timelineEventCreate", "not valid")]
    assert not await desk.tracker.event(incident.key, "It happened too.", now)
    desk.server.bot.access_level = 20
    assert not await desk.tracker.event(incident.key, "It happened again.", now)
    assert [note for note, _ in desk.server.issues[0].events] == ["It happened."]
    desk.server.faults = [Fault("timelineEventCreate", "drop after")]
    desk.server.bot.access_level = 30
    with pytest.raises(Ambiguous):
        await desk.tracker.event(incident.key, "Lost.", now)
    assert await desk.tracker.event(incident.key, "Lost.", now)
    assert [note for note, _ in desk.server.issues[0].events] == ["It happened.", "Lost."]
