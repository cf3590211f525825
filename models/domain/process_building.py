"""Builds a process from its file's values, and says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.domain.call_process import read_calls
from models.domain.communication_rules import (
    CHANNEL_NAME,
    Communication,
    read_channel,
    read_communication,
    read_vendors,
)
from models.domain.expected_mail import read_expected
from models.domain.judging import Judging, read_judging
from models.domain.known_issues import read_known_issues
from models.domain.lesson_rules import read_lessons
from models.domain.mail import MailRule, MailRules
from models.domain.mail_patterns import read_patterns
from models.domain.notice_rules import Notices, ReviewRules, read_notices, read_review
from models.domain.paging_rules import PagingRules, read_paging
from models.domain.procedures import Procedures, read_access, read_support
from models.domain.process import FollowUpKind, Option, Process, Question, Rule, Urgency
from models.domain.process_reader import ProcessError, Reader, all_known, each_its_own
from models.domain.recent_changes import ChangeRules, read_change_rules
from models.domain.reminder_rules import Reminders, read_reminders
from models.domain.report_rules import ReportRules, read_report_rules
from models.domain.roles import read_roles
from models.domain.security_rules import Security, read_security
from models.domain.service_rules import read_services
from models.domain.shift_rules import ShiftRules, read_shifts
from models.domain.working_hours import WorkingHours, read_working_hours

FLAPPING_CYCLES, FLAPPING_MINUTES, DIGEST_CARDS = 3, 60, 20
"""What holds where a process file has no ``[flapping]`` and no ``[digest]``."""


def read_process(values: Mapping[str, Any], where: str) -> Process:
    """Build a process from its file's values.

    Args:
        values: The file as ``tomllib`` read it.
        where: The file's name, for errors.

    Raises:
        ProcessError: An entry is missing, unknown, or does not fit. It holds all mistakes that were found.
    """
    top = Reader(values, where, mistakes=[])
    tracker, flapping, digest = (_optional_table(top, key) for key in ("tracker", "flapping", "digest"))
    questions_in, urgencies_in = top.tables("questions"), top.tables("urgencies")
    follow_ups_in = top.optional_tables("follow_ups")
    urgencies = tuple(_urgency(each) for each in urgencies_in)
    decides = any(level.then == "decide" for level in urgencies)
    decision = top.table("decision") if decides or top.has("decision") else Reader({}, where, mistakes=[])
    questions = tuple(_question(each) for each in questions_in)
    rules = tuple(_rule(each, urgencies, questions) for each in top.tables("rules"))
    options_in = (decision.tables if decides else decision.optional_tables)("options")
    channel_name, channel_for = CHANNEL_NAME, tuple[str, ...]()
    if top.has("channel"):
        channel_name, channel_for = read_channel(top.table("channel"), [level.key for level in urgencies])
    follow_ups = tuple(_follow_up(each, urgencies) for each in follow_ups_in)
    process = Process(
        name=top.text("name"),
        title=top.text("title"),
        definition=top.text("definition"),
        channel_hint=top.text("channel_hint", ""),
        questions=questions,
        urgencies=urgencies,
        rules=rules,
        decision_question=decision.text("question", None if decides else ""),
        decision_options=tuple(_option(each) for each in options_in),
        meeting_url=decision.text("meeting_url", ""),
        follow_ups=follow_ups,
        title_prefix=_title_prefix(tracker),
        incident_labels=tracker.texts("incident_labels"),
        review_labels=tracker.texts("review_labels"),
        closed_labels=tracker.texts("closed_labels"),
        follow_up_labels=tracker.texts("follow_up_labels"),
        flapping_cycles=flapping.number("cycles", 20, FLAPPING_CYCLES),
        flapping_window=timedelta(minutes=flapping.number("window_minutes", 10_080, FLAPPING_MINUTES)),
        digest_cards_per_minute=digest.number("cards_per_minute", 60, DIGEST_CARDS),
        mail=_mail_rules(top.table("mail")) if top.has("mail") else MailRules(),
        procedures=_procedures(top),
        hours=read_working_hours(top.table("working_hours")) if top.has("working_hours") else WorkingHours(),
        reminders=read_reminders(top.table("reminders")) if top.has("reminders") else Reminders(),
        notices=read_notices(top.table("notices")) if top.has("notices") else Notices(),
        review=read_review(top.table("review")) if top.has("review") else ReviewRules(),
        shifts=read_shifts(top.table("shifts")) if top.has("shifts") else ShiftRules(),
        paging=read_paging(top.table("paging"), _keys(urgencies)) if top.has("paging") else PagingRules(),
        roles=read_roles(top),
        changes=read_change_rules(top.table("changes")) if top.has("changes") else ChangeRules(),
        reports=read_report_rules(top.table("reports")) if top.has("reports") else ReportRules(),
        known_issues=read_known_issues(top.optional_tables("known_issues")),
        communication=read_communication(top.table("communication"), _keys(urgencies))
        if top.has("communication")
        else Communication(),
        channel_name=channel_name,
        channel_for=channel_for,
        vendors=read_vendors(top.optional_tables("vendors")),
        fire_name=_fire_name(top),
        services=read_services(top.optional_tables("services")),
        lessons=read_lessons(top.optional_tables("lessons")),
        judging=_judging(top, questions, follow_ups),
        security=_security(top, questions),
    )
    each_its_own(questions_in, [each.key for each in questions])
    each_its_own(urgencies_in, [each.key for each in urgencies])
    each_its_own(options_in, [each.key for each in process.decision_options])
    each_its_own(follow_ups_in, [each.key for each in process.follow_ups])
    for reader in (tracker, decision, flapping, digest, top):
        reader.done()
    _hands_off(top, process)
    if top.mistakes:
        raise ProcessError(*top.mistakes)
    return replace(process, warnings=tuple(top.warnings))


def _hands_off(top: Reader, process: Process) -> None:
    """Say where the option that leads to the Major Incident Process is named and there is none."""
    named, options = process.communication.major_incident_option, [each.key for each in process.decision_options]
    told = top.values.get("communication")
    if top.mistakes or not options or named in options or not isinstance(told, dict):
        return  # an option with a mistake of its own may be the one that is meant
    if "major_incident_option" in told:
        top.wrong(f"[communication]: major_incident_option holds {named!r}; it needs one of {', '.join(options)}")


def _optional_table(top: Reader, key: str) -> Reader:
    """Return the table of that name; one that says nothing where it is left out."""
    return top.table(key) if top.has(key) else Reader({}, f"{top.where}: [{key}]", mistakes=top.mistakes)


def _fire_name(top: Reader) -> str:
    if not top.has("fire_fire"):
        return ""
    reader = top.table("fire_fire")
    name = reader.text("name")
    if len(name) > 30:
        reader.wrong(f"name holds {name[:60]!r}; it needs at most 30 characters")
    reader.done()
    return name


def _title_prefix(tracker: Reader) -> str:
    prefix = tracker.text("title_prefix", "").strip()
    if len(prefix) > 40 or not prefix.isprintable() or prefix.startswith("/"):
        needs = "at most 40 characters on one line, without / in front"
        tracker.wrong(f"title_prefix holds {prefix[:60]!r}; it needs {needs}")
    return prefix


def _judging(top: Reader, questions: tuple[Question, ...], follow_ups: tuple[FollowUpKind, ...]) -> Judging:
    if not top.has("judging"):
        return Judging()
    texts = {each.key: each.text for each in questions if each.kind == "yes_no"}
    numbers = {each.key for each in questions if each.kind == "number"}
    return read_judging(top.table("judging"), texts, numbers, [each.key for each in follow_ups])


def _security(top: Reader, questions: tuple[Question, ...]) -> Security:
    if not top.has("security"):
        return Security()
    asked_for = [each for each in questions if each.kind == "yes_no"] if _keys(questions) else []
    return read_security(top.table("security"), [each.key for each in asked_for])


def _procedures(top: Reader) -> Procedures:
    made = Procedures(support=read_support(top.optional_tables("support")))
    if top.has("access"):
        made = replace(made, access=read_access(top.table("access")))
    return replace(made, calls=read_calls(top.table("calls"))) if top.has("calls") else made


def _keys(entries: Sequence[Question] | Sequence[Urgency]) -> tuple[str, ...]:
    """Return the keys that others may name; none where one is missing: then nothing is told of others."""
    keys = tuple(each.key for each in entries)
    return keys if all_known(keys) else ()


def _question(reader: Reader) -> Question:
    kind = reader.one_of("kind", ("yes_no", "number"))
    reader.used.add("unknown")
    unknown = reader.values.get("unknown")
    if not isinstance(unknown, int) or isinstance(unknown, bool) == (kind == "number"):
        if kind == reader.values.get("kind"):
            needs = "a whole number" if kind == "number" else "true or false"
            reader.wrong(f"unknown holds {unknown!r}; it needs {needs}")
        unknown = False
    question = Question(reader.key(), kind, reader.text("text"), unknown)
    reader.done()
    return question


def _urgency(reader: Reader) -> Urgency:
    urgency = Urgency(
        reader.key(),
        reader.text("name"),
        reader.text("meaning"),
        reader.one_of("then", ("continue", "resolve", "decide")),
        reader.one_of("severity", ("critical", "high", "medium", "low", "unknown")),
    )
    reader.done()
    return urgency


def _rule(reader: Reader, urgencies: tuple[Urgency, ...], questions: tuple[Question, ...]) -> Rule:
    urgency = reader.one_of("urgency", _keys(urgencies))
    because = reader.text("because")
    above = None
    if reader.has("users_above"):
        above = reader.typed("users_above", int, "a whole number", None)
        if above < 0 or "users" not in (_keys(questions) or ("users",)):
            reader.wrong("users_above needs a question 'users', and a number from 0")
    needs = reader.rest()
    asked = {question.key for question in questions if question.kind == "yes_no"}
    for key, value in needs.items():
        if (key not in asked and _keys(questions)) or not isinstance(value, bool):
            reader.wrong(f"{key} = {value!r} is not true or false for one of {sorted(asked)}")
    return Rule(urgency, because, above, tuple(needs.items()))


def _mail_rules(reader: Reader) -> MailRules:
    expected = reader.optional_tables("expected")
    rules = MailRules(
        tuple(_mail_rule(each) for each in reader.tables("rules")) if reader.has("rules") else (),
        reader.texts("pipeline_refs") or ("*",),
        reader.clock("balance_at"),
        tuple(read_expected(each) for each in expected),
    )
    reader.done()
    each_its_own(expected, [each.key for each in rules.expected])
    return rules


def _mail_rule(reader: Reader) -> MailRule:
    name, because = reader.text("name"), reader.text("because")
    then = reader.one_of("then", ("mute", "support"))
    return MailRule(name, because, then, read_patterns(reader))


def _option(reader: Reader) -> Option:
    updates = reader.one_of("updates", ("now", "never")) if reader.has("updates") else ""
    option = Option(reader.key(), reader.text("name"), updates)
    reader.done()
    return option


def _follow_up(reader: Reader, urgencies: tuple[Urgency, ...]) -> FollowUpKind:
    kind = FollowUpKind(
        reader.key(),
        reader.text("name"),
        reader.text("question"),
        reader.template("title", ["title"]),
        reader.texts("labels"),
        reader.texts("required_for"),
    )
    known = {*_keys(urgencies), "self_resolved"}
    for name in kind.required_for:
        if name not in known and _keys(urgencies):
            reader.wrong(f"required_for holds {name!r}; it needs some of {sorted(known)}")
    reader.done()
    return kind
