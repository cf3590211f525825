"""What people type, as Teams sends it, and what it means."""

from dataclasses import replace
from datetime import date

import pytest

from bot.command_types import Act, AskReport, ChangeRota, Misused, Show, ShowForm
from bot.commands import parse
from cards.actions import Form
from cards.payload import NOTE
from models.domain.requests import (
    AddFollowUp,
    AddLink,
    AddNote,
    AddVendor,
    Assign,
    Claim,
    Close,
    ConfirmChange,
    Dismiss,
    HandOver,
    Keep,
    Merge,
    Park,
    ProposeChange,
    Raise,
    Reopen,
    Unpark,
)
from models.domain.timeline import NoteKind
from tests.unit.command_samples import AT_ADA, AT_BEN, BOT, misused, say
from tests.unit.domain.samples import ADA, BEN, PROCESS


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
    assert isinstance(say(f"{BOT} oncall swop {AT_ADA} {AT_BEN} tomorrow", ADA, BEN, in_thread=False), Misused)
    assert say(f"{BOT} oncall", in_thread=False) == Show("oncall")


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decide internal with Ada", "knows no decision"),
        ("decide", "knows no decision"),
        ("escalate", "knows no decision"),
        ("follow-up bug A title", "knows no follow-ups"),
        ("follow-up", "knows no follow-ups"),
        ("resolve over=yes; follow-up: bug", "knows no follow-ups"),
    ],
)
def test_what_the_process_does_not_know_is_said(text: str, said: str) -> None:
    bare = replace(PROCESS, decision_options=(), follow_ups=())
    command = parse(text, (), bare, in_thread=True)
    assert isinstance(command, Misused)
    assert said in command.text


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("close at the incident retro: watch it", Close("watch it")),
        ("close it at the retro", Close()),
        ("close at the review", Close()),
        ("keep for the next retro: the vendor", Keep("the vendor")),
    ],
)
def test_the_review_is_called_as_the_process_calls_it(text: str, request_: Close | Keep) -> None:
    process = replace(PROCESS, review=replace(PROCESS.review, name="incident retro"))
    assert parse(text, (), process, in_thread=True) == Act(request_)
    assert isinstance(parse("close at the retreat", (), process, in_thread=True), Misused)
