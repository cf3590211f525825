"""What people type, as Teams sends it, and what it means."""

import time
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.command_types import (
    Act,
    AskReport,
    ChangeRota,
    Chatter,
    Command,
    Declare,
    Elsewhere,
    Misused,
    Show,
    ShowForm,
    Unknown,
)
from bot.commands import parse
from bot.typed_text import LONGEST, strip_mention
from cards.actions import Form
from cards.lists import help_text
from cards.payload import NOTE, SHORT, TITLE
from models.domain.incidents import NoteKind
from models.domain.people import Person
from models.domain.requests import (
    AddFollowUp,
    AddLink,
    AddNote,
    AddVendor,
    Assess,
    Assign,
    Claim,
    Close,
    ConfirmChange,
    Decide,
    Dismiss,
    FireFire,
    HandOver,
    Merge,
    Park,
    ProposeChange,
    Raise,
    Reopen,
    Resolve,
    Unpark,
)
from models.domain.resolving import ResolveAnswers
from tests.unit.domain.samples import ADA, BEN, PROCESS
from tests.unit.domain.test_judging import HUB, PLATFORM

BOT = "<at>Wilson</at>"
AT_ADA, AT_BEN = "<at>Ada Lovelace</at>", "<at>Ben Okri</at>"


def say(text: str, *mentioned: Person, in_thread: bool = True, addressed: bool = True) -> Command:
    return parse(strip_mention(text, ["Wilson"]), mentioned, PROCESS, in_thread=in_thread, addressed=addressed)


def misused(text: str, *mentioned: Person, in_thread: bool = True) -> str:
    command = say(text, *mentioned, in_thread=in_thread)
    assert isinstance(command, Misused), command
    return command.text


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        (f"{BOT} claim", "claim"),
        (f"{BOT}&nbsp;claim&nbsp;", "claim"),
        ('<at id="0">Wilson</at> claim', "claim"),
        ("<AT>WILSON</AT>claim", "claim"),
        ("<at>wil&#115;on</at> claim", "claim"),
        (f"claim {BOT}", "claim"),
        (f"{BOT} {BOT} claim", "claim"),
        (f"<p>{BOT}\xa0note  a   b</p>", "note a b"),
        (f"{BOT} note a<br>b<br/>c", "note a\nb\nc"),
        (f"{BOT} note a\r\nb\rc\u2028d", "note a\nb\nc\nd"),
        ("cl\u200baim\ufeff", "claim"),
        ("note 3 &lt; 5 &amp;&amp; 6 &gt; 5", "note 3 < 5 && 6 > 5"),
        ("note List<String> x", "note List<String> x"),
        ("note &amp;lt;", "note &lt;"),
        ('link <a href="https://example.com/x">https://example.com/x</a>', None),
        ("", ""),
    ],
)
def test_what_was_typed_is_found_in_what_teams_sends(sent: str, typed: str | None) -> None:
    found = strip_mention(sent, ["Wilson"])
    if typed is None:
        assert found.startswith("link https://example.com/x ")
    else:
        assert found == typed


def test_the_bot_is_known_by_each_of_its_names() -> None:
    assert strip_mention("<at>Wilson Test</at> claim", ["wilson test", "Wilson"]) == "claim"


def test_a_mention_of_the_bot_under_another_name_does_not_hide_the_command() -> None:
    assert say("<at>Incident bot</at> claim") == Act(Claim())


def test_nobody_can_type_the_signs_of_a_mention() -> None:
    typed = strip_mention("assign \ue000Ada Lovelace\ue001 &#xE000;Ada&#57345;", ["Wilson"])
    assert typed == "assign Ada Lovelace Ada"


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("raise", Raise()),
        ("Raise!", Raise()),
        ("please raise it", Raise()),
        ("/raise", Raise()),
        ("CLAIM", Claim()),
        ("claim, I am on it", Claim()),
        ("claim this please", Claim()),
        ("mine", Claim()),
        ("I'll take it", Claim()),
        ("assign to me", Claim()),
        ("take over", Claim(take_over=True)),
        ("take-over", Claim(take_over=True)),
        ("take it over", Claim(take_over=True)),
        ("takeover.", Claim(take_over=True)),
        ("confirm 1", ConfirmChange(1)),
        ("confirm change #2", ConfirmChange(2)),
        ("close at review", Close()),
        ("close it at the review: watch the cache", Close("watch the cache")),
        ("reopen", Reopen()),
        ("re-open because it came back", Reopen("it came back")),
        ("reopen: it came back", Reopen("it came back")),
        ("dismiss", Dismiss()),
        ("dismiss only a test", Dismiss("only a test")),
        ("dismiss only a test; improve alerting", Dismiss("only a test", improve=True)),
        ("dismiss: improve the alerting", Dismiss(improve=True)),
        (
            "dismiss we should not improve alerting rules today",
            Dismiss("we should not improve alerting rules today"),
        ),
        ("merge into 12", Merge(12)),
        ("vendor AWS CASE 1 https://aws.example/1", AddVendor("AWS", "CASE 1", "https://aws.example/1")),
        ("vendor AWS CASE 1 closed.", AddVendor("AWS", "CASE 1", closed=True)),
        ("vendor AWS closed", AddVendor("AWS", "closed")),
        ("merge #12", Merge(12)),
        ("merge into incident #12.", Merge(12)),
        ("merge with 12", Merge(12)),
        ("change restarted db because no pipeline", ProposeChange("restarted db", "no pipeline")),
        ("change by hand: restarted db, because no pipeline", ProposeChange("restarted db", "no pipeline")),
        ("link https://example.com/a", AddLink("https://example.com/a")),
        ("link: <https://example.com/a> The page", None),
        ("link HTTPS://Example.com/A The page", AddLink("https://Example.com/A", "The page")),
        ("follow-up long_term", AddFollowUp("long_term")),
        ("followup Long-Term solution: buy a disk", None),
        ("follow up long term: buy a disk", AddFollowUp("long_term", "buy a disk")),
        ("follow-up investigate why it broke", AddFollowUp("investigate", "why it broke")),
        ("follow-up Improve alerting", AddFollowUp("alerting")),
    ],
)
def test_a_command_asks_what_its_button_asks(text: str, request_: object) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Act), command
    if request_ is not None:
        assert command.request == request_


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("urgency", Form.ASSESS),
        ("urgency?", None),
        ("note", Form.NOTE),
        ("note:", Form.NOTE),
        ("link", Form.LINK),
        ("assign", Form.ASSIGN),
        ("assign to", Form.ASSIGN),
        ("hand over", Form.HAND_OVER),
        ("handover", Form.HAND_OVER),
        ("decide", Form.DECIDE),
        ("change", Form.CHANGE),
        ("resolve", Form.RESOLVE),
        ("resolve it please", Form.RESOLVE),
        ("resolved!", Form.RESOLVE),
        ("follow-up", Form.FOLLOW_UP),
        ("merge", Form.MERGE),
    ],
)
def test_a_bare_verb_that_needs_details_shows_its_form(text: str, form: Form | None) -> None:
    command = say(f"{BOT} {text}")
    if form is None:
        assert isinstance(command, Misused)
    else:
        assert command == ShowForm(form.value)


@pytest.mark.parametrize("verb", ["assign", "assign to", "Assign:"])
def test_assign_gives_it_to_the_one_who_is_mentioned(verb: str) -> None:
    assert say(f"{BOT} {verb} {AT_ADA}", ADA) == Act(Assign(ADA))


@pytest.mark.parametrize("verb", ["hand over", "hand over to", "handover", "hand-over to", "hand it over to"])
def test_hand_over_passes_it_to_the_one_who_is_mentioned(verb: str) -> None:
    assert say(f"{BOT} {verb} {AT_BEN} thanks", BEN) == Act(HandOver(BEN))


def test_a_mention_is_matched_by_its_name_and_not_by_its_place() -> None:
    assert say(f"{BOT} assign {AT_BEN}", ADA, BEN) == Act(Assign(BEN))


def test_a_mention_in_two_parts_is_one_person() -> None:
    assert say(f"{BOT} assign <at>Ada</at> <at>Lovelace</at>", ADA, ADA) == Act(Assign(ADA))


def test_two_people_cannot_own_one_incident() -> None:
    assert "just one" in misused(f"{BOT} assign {AT_ADA} {AT_BEN}", ADA, BEN)


def test_a_name_without_a_mention_is_not_guessed() -> None:
    assert "@mention" in misused(f"{BOT} assign Ada")
    assert "@mention" in misused(f"{BOT} hand over to {AT_ADA}")  # the name without anybody behind it


def test_taking_an_owned_one_over_can_be_said_at_once() -> None:
    assert say(f"{BOT} assign {AT_ADA} take over", ADA) == Act(Assign(ADA, take_over=True))


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            "urgency users=150 critical=no workaround=unknown self_resolved=no development_blocked=no",
            Assess(
                {
                    "users": 150,
                    "critical": False,
                    "workaround": None,
                    "self_resolved": False,
                    "development_blocked": False,
                }
            ),
        ),
        ("urgency users: 150, critical: no", Assess({"users": 150, "critical": False})),
        ("urgency: Users = 1; Critical = Y.", Assess({"users": 1, "critical": True})),
        ("urgency self resolved: yes", Assess({"self_resolved": True})),
        ("urgency critical=no self-resolved=n", Assess({"critical": False, "self_resolved": False})),
        ("urgency users=?", Assess({"users": None})),
        ("urgency urgent because payroll stands", Assess({}, "urgent", "payroll stands")),
        ("urgency is Urgent reason: payroll", Assess({}, "urgent", "payroll")),
        ("urgency Resolve internally because x", Assess({}, "resolve_internally", "x")),
        ("urgency not-urgent because x", Assess({}, "not_urgent", "x")),
        ("urgency users=3 urgent because critical=yes", Assess({"users": 3}, "urgent", "critical=yes")),
        ("urgency urgent", Assess({}, "urgent")),
    ],
)
def test_urgency_takes_answers_a_level_or_both(text: str, request_: Assess) -> None:
    assert say(f"{BOT} {text}") == Act(request_)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("urgency low", "not_urgent, resolve_internally, urgent"),
        ("urgency users=many", "whole number"),
        ("urgency users=-1", "whole number"),
        ("urgency users=99999999999", "whole number"),
        ("urgency critical=perhaps", "yes, no or unknown"),
        ("urgency user=3", "users, critical"),
        ("urgency because it is", "urgency users="),
        ("urgency urgent because " + "x" * (SHORT + 1), str(SHORT)),
    ],
)
def test_urgency_used_wrongly_says_what_it_needs(text: str, named: str) -> None:
    assert named in misused(f"{BOT} {text}")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("decide major_incident with Ada, Ben", Decide("major_incident", "Ada, Ben")),
        ("decide major with Ada", Decide("major_incident", "Ada")),
        ("decide Major Incident Process with Ada", Decide("major_incident", "Ada")),
        ("decide internal with Ada", Decide("internal", "Ada")),
        ("decided: resolve internally, with Ada", Decide("internal", "Ada")),
        ("decide internal", Decide("internal", "")),
    ],
)
def test_decide_names_the_option_and_who_took_part(text: str, request_: Decide) -> None:
    assert say(f"{BOT} {text}") == Act(request_)


@pytest.mark.parametrize("text", [f"with {AT_ADA} and {AT_BEN}", f"{AT_ADA} {AT_BEN}", f"with {AT_ADA}, {AT_BEN}"])
def test_who_took_part_may_be_mentioned(text: str) -> None:
    assert say(f"{BOT} decide internal {text}", ADA, BEN) == Act(Decide("internal", "Ada Lovelace, Ben Okri"))


@pytest.mark.parametrize("text", ["decide", "decide with Ada", "decide in", "decide later with Ada"])
def test_a_decision_is_never_guessed(text: str) -> None:
    assert not isinstance(say(f"{BOT} {text}"), Act)


@pytest.mark.parametrize("kind", list(NoteKind))
def test_a_note_may_say_what_it_is(kind: NoteKind) -> None:
    for text in (f"{kind}: it is", f"[{kind}] it is", f"{kind.upper()} : it is"):
        assert say(f"{BOT} note {text}") == Act(AddNote("it is", kind))
    assert isinstance(say(f"{BOT} note {kind}:"), Misused)


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("note the disk is full", "the disk is full"),
        ("note: the disk is full", "the disk is full"),
        ("note: - a<br>- b", "- a\n- b"),
        ("note action was taken", "action was taken"),
        (f"note {AT_ADA} restarted it", "Ada Lovelace restarted it"),
        ("note a \u202egnp.exe", "a gnp.exe"),
    ],
)
def test_a_note_is_kept_as_it_was_typed(text: str, noted: str) -> None:
    assert say(f"{BOT} {text}", ADA) == Act(AddNote(noted))


def test_a_note_that_is_too_long_is_refused_and_not_cut() -> None:
    assert say("note " + "x" * NOTE) == Act(AddNote("x" * NOTE))
    assert str(NOTE) in misused("note " + "x" * (NOTE + 1))


@pytest.mark.parametrize("text", ["link foo", "link ftp://example.com", "link the page https://example.com"])
def test_a_link_is_an_address_first(text: str) -> None:
    assert "link https://" in misused(f"{BOT} {text}")


@pytest.mark.parametrize("text", ["change", "change it", "change because x", "change it because"])
def test_a_change_by_hand_says_what_and_why(text: str) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Misused | ShowForm)
    assert isinstance(command, Misused) or text == "change"


def test_resolve_takes_everything_in_one_message() -> None:
    text = (
        "resolve over=yes; cause: disk: full; limit=no; rolled back: repo-a, group/repo-b; safe=yes;"
        " follow-up long_term: buy a disk; follow-up investigate"
    )
    answers = ResolveAnswers(
        over=True,
        cause="disk: full",
        limit_reached=False,
        rolled_back=True,
        repositories=("repo-a", "group/repo-b"),
        safe=True,
        follow_ups={"long_term": "buy a disk", "investigate": ""},
    )
    assert say(f"{BOT} {text}") == Act(Resolve(answers))
    assert say(f"{BOT} {text.replace(';', '<br>')}") == Act(Resolve(answers))


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("over", ResolveAnswers(over=True)),
        ("over=no", ResolveAnswers(over=False)),
        ("over=unknown", ResolveAnswers()),
        ("no longer occurs: yes", ResolveAnswers(over=True)),
        ("limit reached", ResolveAnswers(limit_reached=True)),
        ("limit of understanding reached=yes", ResolveAnswers(limit_reached=True)),
        ("rolled back: none", ResolveAnswers(rolled_back=False)),
        ("rolled_back=no", ResolveAnswers(rolled_back=False)),
        ("rollbacks: nothing.", ResolveAnswers(rolled_back=False)),
        ("rolled back: yes", ResolveAnswers(rolled_back=True)),
        ("rolled back: unknown", ResolveAnswers()),
        ("rolled back: a and b", ResolveAnswers(rolled_back=True, repositories=("a", "b"))),
        ("rolled back: a; safe=no", ResolveAnswers(rolled_back=True, repositories=("a",), safe=False)),
        ("rolled back: a; not safe", ResolveAnswers(rolled_back=True, repositories=("a",), safe=False)),
        ("rolled back: a; safe", ResolveAnswers(rolled_back=True, repositories=("a",), safe=True)),
        ("none: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("none needed: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("no follow-up: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("follow-up: alerting: too loud", ResolveAnswers(follow_ups={"alerting": "too loud"})),
        ("without them: it is obvious", ResolveAnswers(past_reason="it is obvious")),
        ("without her because it is obvious", ResolveAnswers(past_reason="because it is obvious")),
    ],
)
def test_each_clause_of_resolve_is_one_answer(text: str, answers: ResolveAnswers) -> None:
    assert say(f"{BOT} resolve {text}") == Act(Resolve(answers))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("resolve saef=yes", "saef"),
        ("resolve over=perhaps", "over"),
        ("resolve safe=perhaps", "safe"),
        ("resolve follow-up holiday", "long_term"),
        ("resolve quickly", "quickly"),
        ("resolve none: " + "x" * (SHORT + 1), str(SHORT)),
    ],
)
def test_resolve_used_wrongly_says_which_clause(text: str, named: str) -> None:
    assert named in misused(f"{BOT} {text}")


@pytest.mark.parametrize(
    "text", ["confirm", "confirm 0", "confirm x", "merge it", "merge 12 and 13", "merge 1e9", "merge ²"]
)
def test_a_number_is_needed_where_one_is_meant(text: str) -> None:
    assert "number" in misused(f"{BOT} {text}")


@pytest.mark.parametrize("text", ["raise the limit", "claim nothing", "take over the world"])
def test_a_verb_that_stands_alone_is_not_read_into_a_sentence(text: str) -> None:
    assert "stands alone" in misused(f"{BOT} {text}")


def test_closing_and_escalating_say_what_is_done_instead() -> None:
    assert "review" in misused("close")
    assert "decide" in misused("escalate it")


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("incident Login is slow", Declare("Login is slow")),
        ("declare an incident: Login is slow", Declare("Login is slow")),
        ("Incident: “Login is slow”", Declare("Login is slow")),
        ("incident Login; description: since noon", Declare("Login", "since noon")),
        ("incident Login<br>since noon<br>and slow", Declare("Login", "since noon\nand slow")),
        ("incident Login; urgency: urgent because exams", Declare("Login", "", "urgent", "exams")),
        ("incident Login; users=20; critical=no", Declare("Login", answers={"users": 20, "critical": False})),
        (
            "incident Login; urgency: users=20 critical=no",
            Declare("Login", answers={"users": 20, "critical": False}),
        ),
        (
            "incident Login; description: slow; urgency: urgent because exams; users=20",
            Declare("Login", "slow", "urgent", "exams", {"users": 20}),
        ),
        ("incident Login; seen by users=20", Declare("Login", "seen by users=20", answers={"users": 20})),
        (f"incident {AT_ADA} cannot log in", Declare("Ada Lovelace cannot log in")),
    ],
)
def test_an_incident_is_declared_in_the_channel(text: str, declared: Declare) -> None:
    assert say(f"{BOT} {text}", ADA, in_thread=False) == declared


def test_a_title_that_is_too_long_is_kept_whole_in_the_description() -> None:
    said = "x" * (TITLE + 1)
    command = say(f"incident {said}", in_thread=False)
    assert isinstance(command, Declare)
    assert len(command.title) <= TITLE
    assert command.description == said


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("incident ; urgency: urgent", "what is wrong"),
        ("incident Login; urgncy: urgent", "urgency"),
        ("incident Login; urgency: dire", "not_urgent"),
        ("incident Login; users=some", "whole number"),
    ],
)
def test_an_incident_declared_wrongly_says_what_is_wrong(text: str, named: str) -> None:
    assert named in misused(text, in_thread=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("list", "list"),
        ("oncall", "oncall"),
        ("on call", "oncall"),
        ("on-call?", "oncall"),
        ("who", "oncall"),
        ("who is on call today?", "oncall"),
        ("help", "help"),
        ("?", "help"),
        ("", "help"),
        ("hello", None),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False])
def test_what_can_be_asked_everywhere(text: str, shown: str | None, in_thread: bool) -> None:
    command = say(f"{BOT} {text}", in_thread=in_thread)
    if shown is None:
        assert isinstance(command, Unknown)
    else:
        assert isinstance(command, Show)
        assert command.what == shown


def test_status_is_asked_in_a_thread() -> None:
    assert say(f"{BOT} status?") == Show("status")


@pytest.mark.parametrize("text", ["claim", "raise", "status", "note x", "resolve", f"assign {AT_ADA}", "merge 1"])
def test_a_command_for_a_thread_given_in_the_channel_says_where(text: str) -> None:
    command = say(f"{BOT} {text}", ADA, in_thread=False)
    assert isinstance(command, Elsewhere)
    assert "thread" in command.text


@pytest.mark.parametrize("text", ["incident", "incident Login is slow"])
def test_an_incident_declared_in_a_thread_says_where(text: str) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Elsewhere)
    assert "channel" in command.text


def test_a_bare_incident_shows_its_form() -> None:
    assert say(f"{BOT} incident", in_thread=False) == ShowForm(Form.DECLARE.value)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("calim", "claim"),
        ("rezolve now", "resolve"),
        ("hand ovr", "hand over"),
        ("urgncy users=3", "urgency"),
        ("dissmiss", "dismiss"),
        ("folow-up", "follow-up"),
        ("staus", "status"),
    ],
)
def test_a_mistyped_command_gets_the_nearest_ones(text: str, nearest: str) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Unknown)
    assert command.nearest[0] == nearest
    assert len(command.nearest) <= 3


def test_what_resembles_nothing_has_no_nearest() -> None:
    assert say("xyzzy 12345") == Unknown("xyzzy 12345", ())


@pytest.mark.parametrize(
    "text",
    [
        "claim",
        "take over",
        "raise",
        "note the disk is full",
        "resolve over=yes; cause: disk",
        "urgency users=150",
        "status",
        "list",
        "merge #12",
        "confirm 1",
        "dismiss a test",
        "decide internal with Ada",
    ],
)
def test_a_command_without_a_mention_is_understood_where_it_is_one(text: str) -> None:
    assert say(text, addressed=False) == say(text)
    assert isinstance(say(text), Act | Show)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "morning all",
        "calim",
        "I can have a look",
        "raise the limit to 5",
        "claim nothing yet",
        "who broke it?",
        "closed the window",
        "resolve this quickly, please, everyone",
        "urgency is low I think",
        "change of plan",
        "link above",
        "assign somebody?",
        "incident Login is slow",
        "help us, Ada",
        "list of hosts: a, b",
        "escalate?",
        "follow-up tomorrow",
        f"{AT_ADA} claim",
    ],
)
def test_people_talking_to_each_other_are_left_alone(text: str) -> None:
    assert say(text, ADA, addressed=False) == Chatter()
    assert say(text, ADA, addressed=False, in_thread=False) == Chatter()


@pytest.mark.parametrize("text", ["urgency users=many", "resolve over=perhaps"])
def test_what_has_the_form_of_a_command_is_told_what_is_wrong_even_without_a_mention(text: str) -> None:
    assert isinstance(say(text, addressed=False), Misused)


def test_every_command_that_help_tells_is_known() -> None:
    told = [line[3 : line.index("`", 3)] for line in help_text(PROCESS).splitlines() if line.startswith("- `")]
    assert len(told) > 15
    for form in told:
        verb = form.partition("<")[0].partition("[")[0].partition("@")[0].partition("users=")[0].strip()
        for in_thread in (True, False):
            assert not isinstance(say(verb, in_thread=in_thread), Unknown), form


@pytest.mark.parametrize(
    "text",
    [
        "misuse",
        "urgency <b>",
        "urgency " + "[a](https://evil.example) " * 20,
        "resolve " + "\u202e<at>x</at>",
        "follow-up " + "`x`",
    ],
)
def test_an_answer_is_one_line(text: str) -> None:
    command = say(text)
    if isinstance(command, Misused | Elsewhere | Unknown):
        assert "\n" not in command.text
        assert len(command.text) < 600


# fmt: off
WORDS = st.sampled_from([
    "raise", "claim", "assign", "urgency", "decide", "note", "link", "change", "confirm", "resolve", "reopen",
    "dismiss", "merge", "incident", "take over", "hand over", "follow-up", "users=", "critical: ", "because",
    "with", ";", "\n", "=", ":", "#", "<at>", "</at>", "<at>Ada Lovelace</at>", BOT, "&nbsp;", "&#xe000;", "\ue000",
    "\ue001", "\u200b", "\x00", "over", "safe", "none", "rolled back", "follow-up investigate", "12", "²", "İ",
    "\ud800", "https://x",
])
# fmt: on
TYPED = st.one_of(st.text(max_size=200), st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=20).map(" ".join))


@given(TYPED, st.booleans(), st.booleans(), st.lists(st.sampled_from([ADA, BEN]), max_size=3))
@example("urgency users=\u0663", True, True, [])
@example("confirm \u0663", True, True, [])
@example("İncident x", False, True, [])
def test_no_text_makes_it_fail(text: str, in_thread: bool, addressed: bool, mentioned: list[Person]) -> None:
    typed = strip_mention(text, ["Wilson"])
    for each in (typed, text):
        parse(each, mentioned, PROCESS, in_thread=in_thread, addressed=addressed)


@given(TYPED)
def test_nothing_that_is_kept_holds_the_signs_of_a_mention(text: str) -> None:
    for in_thread in (True, False):
        assert not {"\ue000", "\ue001", "\u202e"} & set(repr(say(text, ADA, in_thread=in_thread)))


@pytest.mark.parametrize(
    "piece",
    [
        "<at ",
        "<a href=",
        "&#",
        "<",
        "<br ",
        "users = ",
        "and improve alerting ",
        "please ",
        "\ue000",
        "over;",
        "follow-up ",
        "- ",
        "it ",
        "because ",
        "with ",
        "users",
        "a",
    ],
)
@pytest.mark.parametrize(
    "verb", ["", "note ", "urgency ", "resolve ", "dismiss ", "decide ", "change ", "incident "]
)
def test_the_longest_message_takes_no_time_to_speak_of(verb: str, piece: str) -> None:
    text = (verb + piece * LONGEST)[: LONGEST * 2]
    began = time.process_time()
    say(text)
    say(text, in_thread=False, addressed=False)
    assert time.process_time() - began < 0.5


def test_the_rota_is_changed_by_naming_people_and_days() -> None:
    assert say(f"{BOT} oncall swap {AT_ADA} {AT_BEN} 2026-12-24", ADA, BEN, in_thread=False) == ChangeRota(
        "2026-12-24", BEN, ADA
    )
    assert say(f"{BOT} on call cover {AT_BEN} for 2026-12-24..2026-12-28", BEN, in_thread=False) == ChangeRota(
        "2026-12-24..2026-12-28", BEN
    )
    assert say(f"{BOT} oncall swap {AT_ADA} and {AT_BEN} from friday to monday", ADA, BEN, in_thread=False) == (
        ChangeRota("friday to monday", BEN, ADA)
    )
    assert say(f"{BOT} oncall undo tomorrow", in_thread=False) == ChangeRota("tomorrow")
    assert isinstance(say(f"{BOT} oncall swap {AT_ADA} 2026-12-24", ADA, in_thread=False), Misused)
    assert isinstance(say(f"{BOT} oncall cover {AT_ADA}", ADA, in_thread=False), Misused)
    assert say(f"{BOT} oncall", in_thread=False) == Show("oncall")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise login=yes", Act(Raise({"login": True}))),
        (
            "raise: login=no server=no, workers=unknown",
            Act(Raise({"login": False, "server": False, "workers": None})),
        ),
        ("raise login=no anyway", Act(Raise({"login": False}, anyway=True))),
        ("raise login=no all the same.", Act(Raise({"login": False}, anyway=True))),
        ("raise", Act(Raise())),
        ("definition", Show("definition")),
        ("what is an incident", Show("definition")),
    ],
)
def test_the_tests_of_an_incident_are_answered_by_command(text: str, expected: Command) -> None:
    assert parse(text, (), HUB, in_thread=True) == expected


def test_raise_takes_nothing_else() -> None:
    assert isinstance(parse("raise limit=5", (), HUB, in_thread=True), Misused)
    assert "raise [login=yes/no server=yes/no workers=yes/no]" in help_text(HUB)
    assert "raise [" not in help_text(PROCESS)


@pytest.mark.parametrize("text", [f"{said} Nobody can log in" for said in ("fire-fire", "/fire-fire", "firefire:")])
def test_one_word_declares_with_all_that_is_needed(text: str) -> None:
    assert say(text, in_thread=False) == Declare("Nobody can log in", fire=True)


def test_one_word_under_a_card_is_about_that_incident() -> None:
    assert say("fire-fire") == Act(FireFire())
    assert "what is wrong" in misused("fire-fire", in_thread=False)
    assert isinstance(say("fire fire everywhere", addressed=False), Chatter)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("put off until monday 10:00: the vendor's answer", Park("until monday 10:00", "the vendor's answer")),
        ("park 3 hours because the import runs", Park("3 hours", "the import runs")),
        ("defer until 2026-12-01, after the release", Park("until 2026-12-01", "after the release")),
        ("put it off until tomorrow", Park("until tomorrow", "")),
        ("go on", Unpark()),
        ("unpark", Unpark()),
    ],
)
def test_putting_off(text: str, request_: object) -> None:
    assert say(text) == Act(request_)  # type: ignore[arg-type]


@pytest.mark.parametrize("days", ["9999-12-31", "0001-01-01", "2026-11-01..9999-12-31"])
def test_a_report_of_days_that_no_clock_knows_is_refused(days: str) -> None:
    assert "so far ahead" in misused(f"{BOT} report {days}", in_thread=False)


def test_the_urgency_takes_the_answers_to_the_tests_of_an_incident() -> None:
    command = parse("urgency planned=no users=yes all_down=yes", [], PLATFORM, in_thread=True, addressed=True)
    assert command == Act(Assess({"planned": False, "users": True, "all_down": True}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("report last week", AskReport()),
        ("report today", AskReport(days=1)),
        ("report 2026-11", AskReport(date(2026, 11, 1), date(2026, 11, 30))),
        ("report for 2028-02", AskReport(date(2028, 2, 1), date(2028, 2, 29))),
        ("report from 2026-11-01 to 2026-11-15", AskReport(date(2026, 11, 1), date(2026, 11, 15))),
    ],
)
def test_a_report_is_asked_for_by_its_days(text: str, expected: AskReport) -> None:
    assert say(f"{BOT} {text}", in_thread=False) == expected


@pytest.mark.parametrize("text", ["report 2026-13", "report 0001-01", "report 2026-11-31"])
def test_a_report_on_days_that_are_none_says_so(text: str) -> None:
    assert isinstance(say(f"{BOT} {text}", in_thread=False), Misused)
