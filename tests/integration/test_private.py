"""An incident of security: what the public channel shows of it, who reads the rest, and who is told."""

from __future__ import annotations

import email
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.clicks import Clicks
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.places import Place, Shown
from bot.posting import Channels
from bot.speech import Speech
from bot.surroundings import Surroundings
from cards.actions import encode
from models import directory, mails, queue, store
from models.directory import INCIDENT, MAIL, PRIVATE
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from models.domain.decisions import Decision
from models.domain.effects import PostReview
from models.domain.incident_parts import Paged
from models.domain.incidents import Incident, State
from models.domain.outside import StatusUpdate
from models.domain.people import Person
from models.domain.privacy import mark
from models.domain.requests import (
    AddFollowUp,
    AddNote,
    Assess,
    Claim,
    Close,
    Dismiss,
    MarkPrivate,
    Merge,
    Reopen,
    Resolve,
    TellSecurity,
)
from models.domain.security_rules import Security
from models.domain.timeline import Verb
from models.operations import incidents, shifts
from models.operations.alerts import record_mails
from models.ports.checks import Finding
from models.ports.errors import Ambiguous
from models.ports.messenger import ChannelAddress, Message, ThreadAddress
from tests.support.handling import clicks_of, deliveries_of, speech_of
from tests.unit.cards.samples import PROCESS
from tests.unit.domain.samples import OVER

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ADA = Person("aad-ada", "Ada Example", "29:ada")
BEN = Person("aad-ben", "Ben Sample", "29:ben")
SECRET = "Signing key published"
DEVS, DEN = "19:devs@thread.tacv2", "19:den@thread.tacv2"
pytestmark = pytest.mark.usefixtures("connected")


@dataclass
class Channel:
    """Keeps what each channel and thread shows."""

    names: tuple[tuple[str, str], ...] = ((DEVS, "Devs"), (DEN, "Den"))
    shows: dict[str, Message] = field(default_factory=dict)
    replies: list[tuple[str, Message]] = field(default_factory=list)

    async def post(self, channel: ChannelAddress, message: Message) -> ThreadAddress:
        number = str(len(self.shows) + 1)
        thread = f"{channel.channel_id};messageid={number}"
        self.shows[thread] = message
        return ThreadAddress(channel.service_url, channel.tenant_id, thread, number)

    async def reply(self, thread: ThreadAddress, message: Message) -> str:
        self.replies.append((thread.conversation_id, message))
        return "0"

    async def update(self, thread: ThreadAddress, message: Message) -> None:
        self.shows[thread.conversation_id] = message

    async def channels(self, service_url: str, team_id: str) -> Any:
        return self.names

    async def members(self, service_url: str, team_id: str) -> Any:
        return [ADA, BEN]

    async def check(self) -> list[Finding]:
        return []

    async def close(self) -> None:
        return

    def seen(self, channel: str) -> str:
        """Return everything that is to be read in a channel now."""
        cards = [message for thread, message in self.shows.items() if thread.startswith(channel)]
        said = [message for thread, message in self.replies if thread.startswith(channel)]
        return json.dumps([[each.card, each.text, each.summary] for each in (*cards, *said)])


@dataclass
class House:
    teams: Channel
    tracker: LocalTracker
    outbox: Outbox
    around: Surroundings
    clicks: Clicks
    speech: Speech
    mails: list[bytes]

    async def fires(self, title: str = SECRET) -> Incident:
        alert = Alert("gcp_monitoring", MailKind.FIRING, title, title, summary=f"{title}: details")
        told = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{title}>", "0", alert=alert)
        await record_mails([(told, datetime.now(UTC))], self.around.process)
        await self.outbox.drain()
        return (await incidents.unfinished())[0]

    async def asks(self, request: Any, by: Person = ADA, number: int = 1) -> incidents.Done:
        done = await incidents.act(await incidents.load(number), request, by, self.around.process)
        await self.outbox.drain()
        return done

    async def place(self, kind: str, activity: str, number: int = 1) -> Place:
        thread = (await directory.cards_of(kind, number))[0].thread
        channel = thread.conversation_id.partition(";")[0]
        return Place(activity, thread.conversation_id, thread.activity_id, channel, "http://x", "tenant", activity)

    async def say(self, kind: str, text: str, *, addressed: bool = True) -> str:
        before = len(self.teams.replies)
        place = replace(await self.place(kind, text), message_id="")
        await self.speech.say(text, [], ADA, place, addressed=addressed)
        await self.outbox.drain()
        return json.dumps([[said.text, said.card] for _, said in self.teams.replies[before:]])

    async def say_under(self, kind: str, text: str, number: int) -> str:
        before = len(self.teams.replies)
        place = replace(await self.place(kind, text, number), message_id="")
        await self.speech.say(text, [], ADA, place, addressed=True)
        await self.outbox.drain()
        return json.dumps([[said.text, said.card] for _, said in self.teams.replies[before:]])

    async def press(self, kind: str, do: str, **more: Any) -> Shown:
        shown = await self.clicks.press(encode(do, incident=1, **more), BEN, await self.place(kind, f"{do}{more}"))
        await self.outbox.drain()
        return shown


@pytest.fixture
def security() -> Security:
    return Security("Head of Information Security", "ciso@example.ac.uk", report_url="https://report.example/")


@pytest.fixture
def private() -> str:
    return "Den"


@pytest.fixture
async def house(tmp_path: Path, security: Security, private: str) -> House:
    teams, mails = Channel(), list[bytes]()
    tracker = LocalTracker(tmp_path / "issues", "iam/admin", lambda: datetime.now(UTC))
    around = Surroundings(replace(PROCESS, security=security), NoRota())

    async def send(raw: bytes) -> None:
        mails.append(raw)
        if b"lost@" in raw:
            raise Ambiguous("the answer was lost")

    channels, pacer = Channels("Devs", "Devs", private), Pacer(itertools.count(step=60.0).__next__)
    deliveries = deliveries_of(teams, tracker, around, channels, pacer, send=send)
    outbox = Outbox(deliveries.deliver, deliveries.prepare)
    await directory.remember_installation("19:team", "tenant", "http://x", "Wilson")
    await outbox.drain()
    return House(teams, tracker, outbox, around, clicks_of(around), speech_of(around), mails)


async def test_the_public_card_keeps_number_state_and_owner_and_the_rest_moves(house: House) -> None:
    await house.fires()
    await house.asks(Claim())
    assert SECRET in house.teams.seen(DEVS)
    house.teams.replies.clear()  # what was said before can't be taken back
    done = await house.asks(MarkPrivate("a key is out"))
    assert "delete it there by hand" in done.notice
    public, den = house.teams.seen(DEVS), house.teams.seen(DEN)
    assert SECRET not in public
    assert "a key is out" not in public
    for word in ("Incident #1", "Ada Example", "Handled in private"):
        assert word in public
    for word in (SECRET, "a key is out", "Head of Information Security", "https://report.example/"):
        assert word in den


async def test_what_happens_later_is_told_in_private_only(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    house.teams.replies.clear()
    await house.asks(Claim())
    await house.say(PRIVATE, f"link https://x.example/{SECRET[:7]} The leak")
    assert {thread.partition(";")[0] for thread, _ in house.teams.replies} == {DEN}
    assert "The leak" not in house.teams.seen(DEVS)
    assert "Ada Example" in house.teams.seen(DEVS)


async def test_lists_withhold_its_text(house: House) -> None:
    await house.fires()
    await house.fires("Disk full")
    await house.asks(MarkPrivate())
    for command in ("list", "review", "help", "status"):
        place = Place(command, DEVS, "", DEVS, "http://x", "tenant", command)
        await house.speech.say(command, [], ADA, place)
    await house.outbox.drain()
    public = house.teams.seen(DEVS)
    assert SECRET not in public
    assert "handled in private" in public
    assert "Disk full" in public


@pytest.mark.parametrize("text", ["status", "note the key is in the log", "claim", "nonsense", "merge into 2"])
async def test_its_public_thread_reveals_nothing_and_does_nothing(house: House, text: str) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    before = await incidents.load(1)
    answer = await house.say(INCIDENT, text)
    assert "handled in private" in answer
    assert SECRET not in answer
    assert await incidents.load(1) == before
    assert await house.say(INCIDENT, "how was lunch", addressed=False) == "[]"


async def test_an_old_card_that_is_pressed_is_replaced_and_does_nothing(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    before = await incidents.load(1)
    for do, more in (("refresh", {}), ("claim", {}), ("open", {"form": "note"}), ("note", {"text": "x"})):
        shown = await house.press(INCIDENT, do, **more)
        assert SECRET not in json.dumps([shown.card, shown.text])
        assert "handled in private" in json.dumps(shown.card)
    assert await incidents.load(1) == before
    shown = await house.press(PRIVATE, "claim")
    assert SECRET in json.dumps(shown.card)
    assert (await incidents.load(1)).owner == BEN


async def test_whoever_marks_it_by_the_button_sees_the_redacted_card(house: House) -> None:
    await house.fires()
    shown = await house.press(INCIDENT, "security", once="o1", reason="a key is out")
    assert SECRET not in json.dumps(shown.card)
    assert "delete it there by hand" in json.dumps(shown.card)
    assert (await incidents.load(1)).private


async def test_its_issue_is_confidential_before_anything_more_is_written(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate("a key is out"))  # which raises it
    issue = await house.tracker.get((await incidents.load(1)).issue_key)
    assert issue.confidential
    await house.fires("Second")
    await house.asks(Claim(), number=2)
    assert not (await house.tracker.get((await incidents.load(2)).issue_key)).confidential
    await house.asks(MarkPrivate(), number=2)
    assert (await house.tracker.get((await incidents.load(2)).issue_key)).confidential


async def test_the_head_is_mailed_once_without_the_text_and_told_is_recorded(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    await house.asks(MarkPrivate("again"))
    (raw,) = house.mails
    mail = email.message_from_bytes(raw, policy=default)
    assert mail["To"] == "ciso@example.ac.uk"
    assert SECRET not in raw.decode()
    assert "A mail was sent" in house.teams.seen(DEN)
    assert "Not recorded yet" in house.teams.seen(DEN)
    await house.say(PRIVATE, "security told Jo Head")
    made = (await incidents.load(1)).privacy
    assert made is not None
    assert made.told == "Jo Head"
    assert made.told_at is not None
    assert "Not recorded yet" not in house.teams.seen(DEN)


@pytest.mark.parametrize("security", [Security("Jo", "lost@example.ac.uk")])
async def test_a_mail_of_which_nobody_knows_is_not_sent_twice_and_is_shown(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    assert len(house.mails) == 1
    assert "could not be sent" in house.teams.seen(DEN)
    assert await queue.waiting() == []


@pytest.mark.parametrize("security", [Security("Ben", "ciso@example.ac.uk", person="aad-ben")])
async def test_a_head_who_is_in_the_team_is_mentioned_instead(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    assert house.mails == []
    mentioned = [each.teams_id for _, message in house.teams.replies for each in message.mentions]
    assert mentioned == ["29:ben"]


@pytest.mark.parametrize("private", [""])
async def test_without_a_private_channel_it_is_said_and_the_issue_alone_holds_it(house: House) -> None:
    await house.fires()
    done = await house.asks(MarkPrivate("a key is out"))
    assert "There is no private channel" in done.notice
    assert "ciso@example.ac.uk" in done.notice
    house.teams.replies.clear()
    await house.asks(AddNote(f"{SECRET} in the log"))
    assert SECRET not in house.teams.seen(DEVS)
    assert await queue.waiting() == []
    issue = await house.tracker.get((await incidents.load(1)).issue_key)
    assert issue.confidential
    assert any(SECRET in note.body for note in issue.notes)


@pytest.mark.parametrize("private", [""])
async def test_a_private_channel_that_is_set_later_gets_its_card(house: House) -> None:
    await house.fires()
    await house.asks(MarkPrivate())
    again = deliveries_of(
        house.teams,
        house.tracker,
        house.around,
        Channels("Devs", "Devs", "Den"),
        Pacer(itertools.count(step=60.0).__next__),
    )
    for _ in range(2):
        await directory.look_for_private_channel()
        await Outbox(again.deliver, again.prepare).drain()
    assert len(await directory.cards_of(PRIVATE, 1)) == 1
    assert SECRET in house.teams.seen(DEN)


async def test_it_merges_with_nothing_public(house: House) -> None:
    await house.fires()
    await house.fires("Disk full")
    await house.asks(MarkPrivate())
    done = await house.asks(Merge(2))
    assert done.refusal is not None
    assert (await house.asks(Merge(1), number=2)).refusal is not None
    assert SECRET not in done.refusal.text


async def test_told_belongs_to_a_private_one(house: House) -> None:
    await house.fires()
    done = await house.asks(TellSecurity("Jo"))
    assert done.refusal is not None
    assert (await incidents.load(1)).state is State.CANDIDATE
    assert [entry for entry in await store.timeline(1) if entry.verb.value == "security_told"] == []


async def again(house: House, fingerprint: str, *, title: str = SECRET, resource: str = "vault") -> Incident:
    """Have an alert mailed, and return the newest incident once all was delivered."""
    alert = Alert("gcp_monitoring", MailKind.FIRING, title, fingerprint, project="prod", resource=resource)
    mail = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{fingerprint}>", "1", alert=alert)
    await record_mails([(mail, datetime.now(UTC))], house.around.process)
    await house.outbox.drain()
    return (await incidents.unfinished())[0]


async def test_a_private_alert_that_fires_anew_is_private_from_its_first_card_on(house: House) -> None:
    first = await again(house, "gcp|incident|1")
    await incidents.act(first, MarkPrivate("a key is out"), ADA, house.around.process)
    await house.outbox.drain()
    house.teams.shows.clear()
    second = await again(house, "gcp|incident|2")  # the source numbers each firing anew, while the first is open
    assert (second.id, second.state, second.private) == (2, State.CANDIDATE, True)
    assert "Handled in private" in house.teams.seen(DEVS)
    assert SECRET not in house.teams.seen(DEVS)
    assert SECRET in house.teams.seen(DEN)
    (_, told) = await store.timeline(2)
    assert told.data == {"before": 1}
    assert not (await again(house, "gcp|incident|3", resource="lookup")).private
    assert not (await again(house, "gcp|incident|4", title="Disk is full")).private


async def test_the_head_hears_of_it_again_once_somebody_raises_what_fires_anew(house: House) -> None:
    first = await again(house, "one")
    await house.asks(MarkPrivate(), number=first.id)
    second = await again(house, "two")
    assert len(house.mails) == 1  # nobody has judged the second yet
    await house.asks(Claim(), number=second.id)
    await house.asks(Assess({}, "resolve_internally", "known"), number=second.id)
    assert [email.message_from_bytes(raw, policy=default)["Subject"] for raw in house.mails] == [
        "Incident 1 is a matter of security",
        "Incident 2 is a matter of security",
    ]


@pytest.mark.parametrize("security", [Security("Head", person="Ben Sample")])
async def test_a_head_in_the_team_is_mentioned_where_it_fires_anew(house: House) -> None:
    first = await again(house, "one")
    await house.asks(MarkPrivate(), number=first.id)
    house.teams.replies.clear()
    await again(house, "two")
    ((thread, said),) = house.teams.replies
    assert thread.startswith(DEN)
    assert [each.name for each in said.mentions] == ["Ben Sample"]
    assert "as incident 1 of the same alert is" in said.text


async def test_what_was_private_is_private_again_after_it_ended_and_not_once_it_was_no_incident(
    house: House,
) -> None:
    first = await again(house, "one")
    for request in (MarkPrivate(), Claim(), Assess({}, "resolve_internally", "known"), Resolve(OVER), Close()):
        done = await incidents.act(await incidents.load(first.id), request, ADA, house.around.process)
        assert done.refusal is None, done.refusal
    second = await again(house, "two")
    assert second.private
    await incidents.act(second, Dismiss("no key at all"), ADA, house.around.process)
    assert not (await again(house, "three")).private
    await incidents.act(await incidents.load(second.id), Reopen(), ADA, house.around.process)
    assert (await again(house, "four")).private


@pytest.mark.parametrize("private", [""])
async def test_without_a_private_channel_it_is_raised_so_that_somebody_sees_it(
    house: House, tmp_path: Path
) -> None:
    first = await again(house, "one")
    await incidents.act(first, MarkPrivate(), ADA, house.around.process)
    await house.outbox.drain()
    second = await again(house, "two")
    assert (second.state, second.private, second.issue_key) == (State.OPEN, True, "2")
    assert SECRET not in house.teams.seen(DEVS)
    (issue,) = (tmp_path / "issues" / "issues").glob("*2*.md")
    assert "confidential: true" in issue.read_text(encoding="utf-8")
    assert [entry.verb for entry in await store.timeline(2)] == [
        Verb.REPORTED,
        Verb.MADE_PRIVATE,
        Verb.RAISED,
        Verb.SECURITY_MAILED,
    ]


# -- what else tells of it ------------------------------------------------------------------------------------


async def with_a_part(house: House) -> None:
    """An incident, and another of the same matter that was merged into it."""
    await again(house, "one", title="Login is slow")
    await again(house, "two")
    await house.asks(Claim(), number=2)
    done = await house.asks(Merge(1), number=2)
    assert done.refusal is None


async def test_the_parts_of_it_are_private_with_it(house: House, tmp_path: Path) -> None:
    await with_a_part(house)
    assert SECRET in house.teams.seen(DEVS)
    house.teams.replies.clear()
    await house.asks(MarkPrivate("a key is out"))
    assert SECRET not in house.teams.seen(DEVS)
    assert SECRET in house.teams.seen(DEN)
    assert "handled in private" in await house.say_under(INCIDENT, "story", 2)
    issue = await house.tracker.get((await incidents.load(2)).issue_key)
    assert issue.confidential
    assert len(house.mails) == 1  # of the whole alone
    assert (await house.asks(MarkPrivate())).notice == "It is handled in private already."
    assert [each.verb for each in await store.timeline(2)].count(Verb.MADE_PRIVATE) == 1


@pytest.mark.parametrize("when", ["marked first", "marked afterwards"])
async def test_a_parts_alert_that_fires_anew_is_private_too(house: House, when: str) -> None:
    if when == "marked first":
        await again(house, "one", title="Login is slow")
        await again(house, "two")
        for number in (1, 2):
            await house.asks(MarkPrivate(), number=number)
        assert (await house.asks(Merge(1), number=2)).refusal is None
    else:
        await with_a_part(house)
        await house.asks(MarkPrivate())
    for request in (Claim(), Assess({}, "resolve_internally", "known"), Resolve(OVER)):
        assert (await house.asks(request)).refusal is None
    house.teams.shows.clear()
    house.teams.replies.clear()
    assert (await again(house, "three")).private
    assert SECRET not in house.teams.seen(DEVS)


async def test_issues_raised_because_of_it_are_confidential_with_it(house: House) -> None:
    await house.fires()
    await house.asks(Claim())
    await house.asks(AddFollowUp("documentation"))
    (before,) = (await incidents.load(1)).follow_ups
    assert not (await house.tracker.get(before.key)).confidential
    await house.asks(MarkPrivate())
    await house.asks(AddFollowUp("long_term"))
    for each in (await incidents.load(1)).follow_ups:
        issue = await house.tracker.get(each.key)
        assert issue.confidential, each
        assert SECRET in issue.title


@pytest.mark.parametrize("security", [Security()])
async def test_a_mail_that_it_was_made_of_is_withheld_with_it(house: House) -> None:
    letter = Reading(MailKind.UNRECOGNISED, None, "nobody knows it", SECRET, "jo@b.example", "<letter>", "0")
    await record_mails([(letter, datetime.now(UTC))], house.around.process)
    await house.outbox.drain()
    assert SECRET in house.teams.seen(DEVS)
    await incidents.adopt_mail(1, ADA, house.around.process)
    await house.asks(MarkPrivate())
    public = house.teams.seen(DEVS)
    assert SECRET not in public
    assert "jo@b.example" not in public
    assert "It is incident #1." in public


async def test_a_doubted_mail_of_a_private_alert_shows_no_text_and_can_be_accepted(house: House) -> None:
    first = await again(house, "one")
    await house.asks(MarkPrivate(), number=first.id)
    house.teams.shows.clear()
    alert = Alert("gcp_monitoring", MailKind.FIRING, SECRET, "two", project="prod", resource="vault")
    doubted = Reading(
        MailKind.FIRING,
        alert.source,
        "",
        SECRET,
        "a@b.example",
        "<x>",
        "1",
        alert=alert,
        authenticated=Authenticated.FAIL,
    )
    await record_mails([(doubted, datetime.now(UTC))], house.around.process)
    await house.outbox.drain()
    assert "whose sender is not confirmed" in house.teams.seen(DEVS)
    assert "It is genuine" in house.teams.seen(DEVS)
    (record,) = await mails.mails_of("<x>")
    shown = await house.clicks.press(
        encode("adopt_mail", mail=record.id), BEN, await house.place(MAIL, "a", record.id)
    )
    await house.outbox.drain()
    assert SECRET not in json.dumps(shown.card)
    assert SECRET not in house.teams.seen(DEVS)
    assert (await incidents.unfinished())[0].private


async def test_cards_of_shift_and_review_that_named_it_are_renewed(house: House) -> None:
    await house.fires()
    await house.asks(Claim())
    await house.fires(f"{SECRET}, once more")
    for request in (Claim(), Assess({}, "resolve_internally", "known"), Resolve(OVER)):
        await house.asks(request, number=2)
    await house.fires(f"{SECRET}, too")
    for request in (Claim(), Merge(1)):
        await house.asks(request, number=3)  # the tracker has it labelled for the review, which does not list it
    at = datetime.now(UTC)
    assert await shifts.begin([ADA], [BEN], at, once="shift")
    for review in (20261112, 20261126):
        await store.leave([PostReview(review)])
        await house.outbox.drain()
    named = [each for each in house.teams.shows.values() if each.summary in ("Shift hand-over", "Incident review")]
    assert [json.dumps(each.card).count(SECRET) for each in named] == [1, 2, 2]
    for number in (1, 2):
        await house.asks(MarkPrivate(), number=number)
    house.teams.replies.clear()
    assert SECRET not in house.teams.seen(DEVS)


async def test_whoever_marks_it_is_told_where_it_was_told_before(house: House) -> None:
    incident = await house.fires()
    update = StatusUpdate("Slow", "x", "identified", ADA, NOW)
    told = replace(incident, channel_name="inc-1", updates=(update,), paged=Paged(NOW))
    done = mark(told, "", ADA, at=NOW)
    assert isinstance(done, Decision)
    where = "in the public thread, in the channel inc-1, to stakeholders and to whoever was paged before"
    assert where in done.notice
