"""What stands behind a command's first word: people, levels, answers, days, addresses."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from bot.command_answers import BECAUSE, NO_DECISION, answers_in, kind_in, same_word, split_at, spoken
from bot.command_types import Act, AskReport, ChangeRota, Command, Show, ShowForm, Wrong
from bot.typed_text import PERSON, kept_text, named, only_filler
from cards.actions import Form
from cards.blocks import clean
from cards.payload import NOTE, REPOSITORIES, SHORT, TITLE, URL
from models.domain.people import Person
from models.domain.process import Process
from models.domain.report_rules import YEARS
from models.domain.requests import (
    AddFollowUp,
    AddLesson,
    AddLink,
    AddNote,
    AddVendor,
    Assign,
    Claim,
    Decide,
    Dismiss,
    GiveRole,
    HandOver,
    Join,
    LeaveRole,
    MarkPrivate,
    Park,
    ProposeChange,
    Raise,
    TellSecurity,
)
from models.domain.timeline import NoteKind


def read_alone(name: str, rest: str, process: Process) -> Act:
    """``claim``, ``claim it``, ``claim: I am on it``; but not ``raise the limit``, which is something else.

    ``raise`` also takes the answers to the tests of an incident: ``raise login=yes``.
    """
    if name == "raise" and "=" in rest[:SHORT] and process.judging.tests:
        answers, left = answers_in(kept_text(rest, SHORT, "That"), process)
        if anyway := re.search(r"\ball\sthe\ssame\b|\banyway\b", left, re.IGNORECASE):
            left = f"{left[: anyway.start()]} {left[anyway.end() :]}"
        if answers and not left.strip(" ,;.:"):
            return Act(Raise(answers, anyway is not None))
    after = rest.lstrip()
    comment = after[:1] in (":", ",", ".", ";", "!", "?", "-", "–", "—", "(")
    if not comment and not rest.startswith("\n") and not only_filler(rest):
        raise Wrong(f"“{name}” stands alone: say just {name}")
    if name == "raise":
        return Act(Raise())
    return Act(Claim(take_over=name == "take over"))


def read_give(name: str, rest: str, mentioned: Sequence[Person]) -> Command:
    """Read to whom."""
    if re.fullmatch(r"(?:to\s)?(?:me|myself)[.!]?", rest, re.IGNORECASE) and name == "assign":
        return Act(Claim())
    people: list[Person] = []
    for person in named(rest, mentioned):
        if not any(person is each or person.same(each) for each in people):
            people.append(person)
    if len(people) > 1:
        raise Wrong(f"One person owns an incident; mention just one: {name} @person")
    take_over = re.search(r"\btake\s?over\b", rest[:SHORT], re.IGNORECASE) is not None
    if people:
        return Act(Assign(people[0], take_over) if name == "assign" else HandOver(people[0], take_over))
    if rest:
        raise Wrong(f"Say to whom with an @mention, so that it is certain who is meant: {name} @person")
    return ShowForm((Form.ASSIGN if name == "assign" else Form.HAND_OVER).value)


def read_role(rest: str, mentioned: Sequence[Person], process: Process) -> Command:
    """Read which role, and who."""
    if not rest:
        return ShowForm(Form.ROLE.value)
    roles = process.roles.all
    if not roles:
        raise Wrong("This team's process names no roles besides the owner")
    said = " ".join(PERSON.sub("", rest).split())
    leaving = re.search(r"\s?\b(?:leave|vacant|none)$", said, re.IGNORECASE)
    name = re.sub(r"\b(?:to|is|for|me|myself|leave|vacant|none)\b|[:,.!=]", " ", said, flags=re.IGNORECASE)
    role = process.roles.of(" ".join(name.split()))
    if role is None:
        known = ", ".join(each.key for each in roles)
        raise Wrong(f"Say which role: {known}. For example: role {roles[-1].key} @person")
    if leaving:
        return Act(LeaveRole(role.key))
    people = named(rest, mentioned)
    if len(people) > 1:
        raise Wrong(f"One person holds a role; mention just one: role {role.key} @person")
    return Act(GiveRole(role.key, people[0] if people else None))


def read_involve(rest: str, mentioned: Sequence[Person]) -> Command:
    """Read whom, and why."""
    people = named(rest, mentioned)
    if len(people) != 1:
        raise Wrong("Mention whom to involve: involve @person, and why")
    return Act(Join(people[0], kept_text(PERSON.sub("", rest), SHORT, "The reason")))


def read_oncall(rest: str, mentioned: Sequence[Person]) -> Command:
    """Read whose shift, and when."""
    found = re.match(r"(swap|cover|undo)\b", rest, re.IGNORECASE)
    if found is None:
        if mentioned:  # whoever mentions people means to change something, and would take the list for a yes
            raise Wrong("Say what: oncall swap @a @b 2026-12-24, or oncall cover @person 2026-12-24")
        return Show("oncall")
    days = " ".join(PERSON.sub(" ", rest[found.end() :]).split())
    days = re.sub(r"^(?:(?:with|and|by|on|for|from|the)\b|[,:\s])+", "", days)
    people = named(rest, mentioned)
    what = found[1].lower()
    if not days:
        raise Wrong(f"Say on which day: oncall {what} … 2026-12-24, or tomorrow, or monday")
    if what == "undo":
        return ChangeRota(days)
    if what == "cover":
        if len(people) != 1:
            raise Wrong("Mention who covers: oncall cover @person 2026-12-24..2026-12-28")
        return ChangeRota(days, people[0])
    if len(people) != 2 or people[0].same(people[1]):
        raise Wrong("Mention two people, first whose shift it is: oncall swap @a @b 2026-12-24")
    return ChangeRota(days, people[1], people[0])


def read_report(text: str) -> Command:
    """Read which days."""
    said = text.strip(" .!?").lower()
    if not said or re.fullmatch(r"(?:of\s|for\s)?(?:the\s)?(?:(?:last|past|this)\s)?week", said):
        return AskReport()
    if re.fullmatch(r"(?:of\s|for\s)?(?:the\s)?(?:(?:last|past|this)\s)?month", said):
        return AskReport(days=30)
    if said == "today":
        return AskReport(days=1)
    said = re.sub(r"^(?:from|of|for|on|in)\s", "", said)
    if month := re.fullmatch(r"(\d{4})-(\d\d)", said, re.ASCII):
        year, number = int(month[1]), int(month[2])
        if year not in YEARS or not 1 <= number <= 12:
            raise Wrong(f"There is no such month: {text.strip()}. For example: report 2026-11")
        return AskReport(date(year, number, 1), date(year, number, monthrange(year, number)[1]))
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:\s?(?:\.\.|to|until|–|-)\s?(\d{4}-\d\d-\d\d))?", said, re.ASCII)
    if found is None:
        raise Wrong("Say which days: report, report month, report 2026-11, or report 2026-11-01..2026-11-15")
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2]) if found[2] else first
    except ValueError:
        raise Wrong(f"There is no such day: {text.strip()}. For example: report 2026-11-01..2026-11-15") from None
    if last < first:
        raise Wrong("The first day comes first: report 2026-11-01..2026-11-15")
    if first.year not in YEARS or last.year not in YEARS:
        raise Wrong("Nothing is known of so long ago or so far ahead: report 2026-11-01..2026-11-15")
    return AskReport(first, last)


def read_lesson(text: str, process: Process) -> Command:
    """Read what about, and what."""
    if not text:
        return ShowForm(Form.LESSON.value)
    kind, said = "", text
    words = [(word, each.key) for each in process.lessons for word in each.spoken]
    for word, key in sorted(words, key=lambda each: -len(each[0])):
        if found := re.match(rf"{spoken(word)}(?:\s?[:,]|\s?-\s)\s*", text, re.IGNORECASE):
            kind, said = key, text[found.end() :]
            break
    return Act(AddLesson(kept_text(said, SHORT, "The lesson", lines=True), kind))


def read_decide(rest: str, process: Process) -> Command:
    """Read what was decided, with whom."""
    if not process.decision_options:
        raise Wrong(NO_DECISION)
    head, _, present = split_at(rest, r"\bwith\b|\bpresent\s?[=:]")
    names = PERSON.findall(head)
    if names and not present:
        present = ", ".join(names)
    said = same_word(PERSON.sub("", head).strip(" .,:;"))
    options = [option for option in process.decision_options if said in map(same_word, (option.key, option.name))]
    if not options and len(said) >= 3:
        options = [
            option
            for option in process.decision_options
            if any(f" {said}" in f" {same_word(name)}" for name in (option.key, option.name))
        ]
    if len(options) != 1:
        known = " or ".join(option.key for option in process.decision_options)
        example = process.decision_options[-1].key
        raise Wrong(f"Say what was decided ({known}), and with whom: decide {example} with Ada, Ben")
    present = re.sub(r"\ue001[\s,]*(?:and\b|&)?\s*(?=\ue000)", ", ", present)
    return Act(Decide(options[0].key, kept_text(present, REPOSITORIES, "The list of who took part")))


_KIND = re.compile(
    rf"(?:\[\s?({'|'.join(NoteKind)})\s?\]\s?[:-]?|(?:service\s)?({'|'.join(NoteKind)})\s?:)\s*", re.IGNORECASE
)


def read_note(rest: str) -> Command:
    """Read what kind, and what."""
    if not rest:
        return ShowForm(Form.NOTE.value)
    kind, found = NoteKind.OBSERVATION, _KIND.match(rest)
    if found is not None:
        kind, rest = NoteKind((found[1] or found[2]).lower()), rest[found.end() :]
    text = kept_text(rest, NOTE, "The note", lines=True)
    if not text:
        raise Wrong("The note is empty. For example: note observation: the disk is full")
    return Act(AddNote(text, kind))


def read_link(rest: str) -> Act:
    """Read the address and its label."""
    url, _, label = rest.replace("\n", " ").partition(" ")
    url = url.strip("<>")
    if not url.lower().startswith(("https://", "http://")) or len(url) > URL:
        raise Wrong("An address starts with https:// and comes first: link https://example.com/page The dashboard")
    scheme, _, where = url.partition("://")
    return Act(AddLink(f"{scheme.lower()}://{clean(where, URL)}", kept_text(label, TITLE, "The label")))


def read_change(rest: str) -> Act:
    """Read what is changed, and why."""
    what, because, why = split_at(rest, rf"{BECAUSE}|\bwhy\s?[=:]")
    if not because or not what or not why:
        raise Wrong(
            "Say what is changed by hand, and why not by merge request:"
            " change restarted the gateway because the pipeline is down"
        )
    return Act(ProposeChange(kept_text(what, SHORT, "What is changed"), kept_text(why, SHORT, "The reason")))


def read_vendor(rest: str, process: Process) -> Act:
    """Read whose ticket."""
    rest = " ".join(rest.split())
    known = sorted((each.name for each in process.vendors), key=len, reverse=True)
    name = next((each for each in known if rest.casefold().startswith(f"{each.casefold()} ")), "")
    said = rest[: len(name)] if name else rest.partition(" ")[0]
    words = rest[len(said) :].split()
    url = next((each.strip("<>") for each in words if each.lower().startswith(("http://", "https://"))), "")
    words = [each for each in words if not each.lower().startswith(("http://", "https://"))]
    closed = len(words) > 1 and words[-1].lower().strip(".!") == "closed"
    ref = " ".join(words[:-1] if closed else words)
    if not ref or len(url) > URL:
        raise Wrong("Say whose ticket it is, its number and its address: vendor AWS 1234567 https://example.com/1")
    return Act(AddVendor(clean(name or said, 80), kept_text(ref, 80, "The number"), url, closed))


def read_security(rest: str) -> Act:
    """Read why."""
    if told := re.match(r"told\b[\s:,]*", rest, re.IGNORECASE):
        whom = kept_text(PERSON.sub(r"\1", rest[told.end() :]), SHORT, "Who was told")
        if not whom:
            raise Wrong("Say who was told: security told Jo, the head of information security")
        return Act(TellSecurity(whom))
    return Act(MarkPrivate(read_reason(rest)))


def read_park(rest: str) -> Act:
    """Read until when, and what it waits for."""
    when, *why = re.split(
        r":(?=\s)|;|,|\s[–-]\s|\bbecause\b", rest.strip(" \t\n,.!–—"), maxsplit=1, flags=re.IGNORECASE
    )
    return Act(Park(kept_text(when.strip(), SHORT, "The time"), read_reason("".join(why).strip())))


def read_reason(text: str) -> str:
    """Read why."""
    return kept_text(re.sub(r"^because\b[\s:,]*", "", text, flags=re.IGNORECASE), SHORT, "The reason")


_IMPROVE = re.compile(
    r"(?:^|[;,.\n]|\band\b)\s?(?:and\s)?(?:please\s)?improve(?:\sthe)?\salert(?:ing|s)?(?:\s?[=:]\s?yes)?\s?(?=$|[;,.\n!])",
    re.IGNORECASE,
)


def read_dismiss(rest: str) -> Act:
    """Read why, and whether the alerting is to be improved."""
    improve = _IMPROVE.search(rest)
    if improve is not None:
        rest = f"{rest[: improve.start()]}{rest[improve.end() :]}"
    return Act(Dismiss(read_reason(rest.strip(" ;,.\n")), improve is not None))


def read_follow_up(rest: str, process: Process) -> Act:
    """Read which kind, and its title."""
    kind, title = kind_in(rest, process)
    return Act(AddFollowUp(kind.key, kept_text(title, TITLE, "The title")))
