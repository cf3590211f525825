"""What the thread is told, and what commands answer."""

from dataclasses import replace

import pytest

from cards.incident import incident_card
from cards.lists import greeting, help_text, incident_list, oncall_text, status_text
from cards.timeline import Message, announcement, sentence
from cards.words import ago, source_name
from models.domain.people import Person
from models.domain.timeline import Entry, Verb
from tests.unit.cards import samples
from tests.unit.cards.samples import ADELE, ALEX, AT, MEGAN, NOW, PROCESS, view
from tests.unit.cards.test_foreign_text import ATTACKS, is_clean

SENTENCES: dict[Verb, tuple[dict[str, str | int | bool | None], str]] = {
    Verb.REPORTED: (
        {"source": "gcp_monitoring", "summary": "CPU is high"},
        "GCP Monitoring reported it: CPU is high.",
    ),
    Verb.REPEATED: ({"count": 3}, "It was reported 3 times now."),
    Verb.RECOVERED: ({"summary": None}, "The alert recovered. That alone does not resolve the incident."),
    Verb.FIRED_AGAIN: ({"count": 2}, "The alert fires again (twice so far)."),
    Verb.FLAPPING: (
        {"count": 9, "cycles": 3},
        "The alert is flapping: it goes on and off. The card counts on, the thread stays quiet.",
    ),
    Verb.DECLARED: ({"summary": "white page"}, "Megan Bowen declared this incident: white page."),
    Verb.RAISED: ({}, "Megan Bowen raised this as an incident. Who takes it?"),
    Verb.CLAIMED: (
        {"to": "Megan Bowen", "from": "Alex Wilber"},
        "Megan Bowen owns this now (taken over from Alex Wilber).",
    ),
    Verb.ASSIGNED: (
        {"to": "Adele Vance", "from": None},
        "Megan Bowen assigned this to Adele Vance, who owns it now.",
    ),
    Verb.HANDED_OVER: (
        {"to": "Adele Vance", "from": "Megan Bowen"},
        "Megan Bowen handed this over to Adele Vance, who owns it now.",
    ),
    Verb.ASSESSED: (
        {"urgency": "Urgent", "because": "more than 100 users can't work", "then": "decide"},
        "Megan Bowen set the urgency to **Urgent**: more than 100 users can't work.",
    ),
    Verb.DECIDED: (
        {"option": "Resolve internally", "present": "Alex and Megan"},
        "The team decided: **Resolve internally**. Present: Alex and Megan. Recorded by Megan Bowen.",
    ),
    Verb.NOTED: ({"kind": "observation", "text": "SECRET"}, "Megan Bowen added an observation to the issue."),
    Verb.LINKED: (
        {"url": "https://gitlab.example.com/mr/1", "label": "The fix"},
        "Megan Bowen linked [The fix (gitlab.\u2060example.\u2060com)](https://gitlab.example.com/mr/1).",
    ),
    Verb.CHANGE_PROPOSED: (
        {"number": 1, "what": "restart it", "why": "the pipeline is down"},
        "Megan Bowen makes change 1 by hand: restart it. Not by merge request because the pipeline is down. "
        "A second developer, on a call, must confirm it.",
    ),
    Verb.CHANGE_CONFIRMED: (
        {"number": 1, "what": "restart it", "by": "Alex Wilber"},
        "Megan Bowen confirmed change 1 by hand, which Alex Wilber makes.",
    ),
    Verb.NOT_SAFE: (
        {"repositories": "lookup/api"},
        "**Do not push to lookup/api:** Megan Bowen says its trunk is not safe to deploy again.",
    ),
    Verb.RESOLVED: (
        {"cause": "A bad query", "repositories": None, "follow_ups": "Index it", "none_reason": None},
        "Megan Bowen resolved this. Cause: A bad query. Follow-ups: Index it.",
    ),
    Verb.FOLLOW_UP: (
        {"kind": "Documentation", "title": "How to fail over"},
        "Megan Bowen raised a follow-up (Documentation): How to fail over.",
    ),
    Verb.ROLE_TAKEN: (
        {"role": "Scribe", "to": "Adele Vance", "from": "Alex Wilber"},
        "Megan Bowen asked Adele Vance to be **Scribe**, in place of Alex Wilber.",
    ),
    Verb.ROLE_LEFT: (
        {"role": "Scribe", "from": "Alex Wilber", "required": True},
        "Alex Wilber is not **Scribe** any more: who takes it over?",
    ),
    Verb.JOINED: ({"who": "Adele Vance", "why": "knows it"}, "Megan Bowen involves Adele Vance: knows it."),
    Verb.LEFT: ({}, "Megan Bowen does not help with this any more."),
    Verb.ALERTING_KEPT: ({}, "Megan Bowen considered the alert, and leaves it as it is."),
    Verb.INFORMED: (
        {"who": "Lea (Delivery manager)"},
        "Informed of this incident: Lea (Delivery manager).",
    ),
    Verb.LESSON: (
        {"kind": "well", "name": "What went well", "text": "it was quick"},
        "Megan Bowen noted a lesson, “What went well”: it was quick.",
    ),
    Verb.ME_TOO: ({"count": 3, "where": "in Leeds"}, "Megan Bowen sees this, too (3 people so far): in Leeds."),
    Verb.POST_MORTEM: ({}, "Megan Bowen had the post-mortem written into the issue."),
    Verb.FIRE: ({}, "Megan Bowen asks everybody to help: channel, issue and log page are being made."),
    Verb.LOG_PAGE: (
        {"url": "https://gitlab.example.com/s/1", "label": "Log page"},
        "The log of this incident is kept on a page of its own: "
        "[Log page (gitlab.\u2060example.\u2060com)](https://gitlab.example.com/s/1).",
    ),
    Verb.REOPENED: ({"reason": None}, "Megan Bowen reopened this."),
    Verb.DISMISSED: ({"reason": "a load test"}, "Megan Bowen says that this is not an incident: a load test."),
    Verb.MERGED: ({"into": 40, "title": "Disk"}, "Megan Bowen merged this into incident 40: Disk."),
    Verb.HEARD: ({"what": "closed"}, "Megan Bowen closed the issue in the tracker, and with it this incident."),
    Verb.MERGE_REQUEST: (
        {"what": "merged", "name": "iam/sync!12", "title": "Keep logs"},
        "Merge request iam/sync!12 was merged by Megan Bowen: Keep logs.",
    ),
    Verb.PARKED: (
        {"until": "Mon 23 Nov 2026, 10:00", "reason": "the vendor's answer"},
        "Megan Bowen put this off until Mon 23 Nov 2026, 10:00: the vendor's answer.",
    ),
    Verb.UNPARKED: ({}, "Megan Bowen goes on with this."),
    Verb.KEPT: (
        {"reason": "the vendor answers"},
        "Megan Bowen keeps this for the next review: the vendor answers.",
    ),
    Verb.CHANGED_BEFORE: (
        {"count": 6, "more": 1, "minutes": 120, "text": "lookup/api!1 Index, merged by Ada at 09:00 UTC"},
        "6 changes went out in the 2 hours before it: lookup/api!1 Index, merged by Ada at 09:00 UTC; and 1 more.",
    ),
    Verb.CLOSED: ({"learnt": "watch the cache"}, "Megan Bowen closed this at the review: watch the cache."),
    Verb.REMINDED: ({"what": "unowned", "minutes": 15}, "Nobody has owned this for 15 minutes."),
    Verb.VENDOR: ({"name": "AWS", "ref": "1234", "url": None}, "Megan Bowen raised a ticket with AWS: 1234."),
    Verb.UPDATED: ({"stage": "identified", "text": "On it"}, "Megan Bowen told stakeholders (identified): On it."),
    Verb.NO_UPDATES: ({}, "Megan Bowen says that stakeholders need no further updates."),
    Verb.CHANNEL: ({"label": "inc-1", "failed": "it is full"}, "No channel could be made: it is full."),
    Verb.MADE_PRIVATE: (
        {"reason": "a key is out"},
        "Megan Bowen marked this as a matter of security: a key is out.",
    ),
    Verb.SECURITY_TOLD: ({"whom": "Jo"}, "Megan Bowen recorded that Jo was told."),
    Verb.SECURITY_MAILED: ({"whom": "Jo", "failed": "no"}, "The mail to Jo could not be sent: no."),
    Verb.PAGED: (
        {"through": "PagerDuty", "minutes": 12},
        "Paged through PagerDuty: nobody has owned this for 12 minutes.",
    ),
    Verb.ABSORBED: ({"part": 43, "title": "CPU"}, "Megan Bowen merged incident 43 into this one: CPU."),
}


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        (Verb.RAISED, "raised this as an incident. By the process's tests: Is it? Yes. Who takes it?"),
        (Verb.DECLARED, "declared this incident. By the process's tests: Is it? Yes."),
        (Verb.DISMISSED, "not an incident. By the process's tests: Is it? Yes."),
    ],
)
def test_how_the_tests_were_answered_is_told(verb: Verb, told: str) -> None:
    assert sentence(Entry(AT, verb, MEGAN, {"tests": "Is it? Yes."})).endswith(told)
    against = sentence(Entry(AT, verb, MEGAN, {"tests": "Is it? No.", "against": True}))
    assert "although they say that it is none" in against


@pytest.mark.parametrize(
    ("verb", "data", "expected"),
    [
        (Verb.VENDOR, {"what": "again"}, "Megan Bowen asked AWS again about the ticket 1234."),
        (Verb.VENDOR, {"what": "closed"}, "Megan Bowen says that the ticket 1234 with AWS is closed."),
        (
            Verb.REMINDED,
            {"what": "vendor", "minutes": 240, "escalation": "ring them"},
            "Nothing was heard about the ticket 1234 with AWS for 4 hours. Ask them, and note what they say with"
            " its number. If it does not move: ring them.",
        ),
    ],
)
def test_what_becomes_of_a_third_partys_ticket(
    verb: Verb, data: dict[str, str | int | bool | None], expected: str
) -> None:
    assert sentence(Entry(AT, verb, MEGAN, {"name": "AWS", "ref": "1234", **data})) == expected
    attacked = {key: value if key in ("what", "minutes") else ATTACKS[0] for key, value in data.items()}
    text = sentence(Entry(AT, verb, MEGAN, {"name": ATTACKS[0], "ref": ATTACKS[0], **attacked}))
    assert is_clean(text)


@pytest.mark.parametrize("verb", Verb)
def test_everything_that_can_happen_has_its_sentence(verb: Verb) -> None:
    data, expected = SENTENCES[verb]
    entry = Entry(AT, verb, MEGAN, data)
    assert sentence(entry) == expected
    assert "**" not in sentence(entry, plain=True)
    assert "SECRET" not in sentence(entry)


@pytest.mark.parametrize("verb", Verb)
def test_a_sentence_is_made_whatever_the_entry_holds(verb: Verb) -> None:
    for data in ({}, dict.fromkeys(SENTENCES[verb][0]), dict.fromkeys(SENTENCES[verb][0], 1)):
        assert sentence(Entry(AT, verb, None, dict(data)))


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_foreign_text_acts_in_a_sentence(verb: Verb, attack: str) -> None:
    data: dict[str, str | int | bool | None] = dict.fromkeys(SENTENCES[verb][0], attack)
    text = sentence(Entry(AT, verb, Person("1", attack), data))
    assert is_clean(text)
    assert "<" not in text
    assert "https://evil" not in text or verb in (Verb.LINKED, Verb.LOG_PAGE)
    assert "{{" not in text


def test_who_is_mentioned_is_mentioned_where_the_name_stands() -> None:
    entry = Entry(AT, Verb.CLAIMED, MEGAN, {"to": "Megan Bowen", "from": "Alex Wilber"})
    assert announcement(entry, PROCESS, (ALEX,)) == Message(
        "Megan Bowen owns this now (taken over from <at>Alex Wilber</at>).", (ALEX,)
    )


def test_an_urgent_incident_asks_for_the_meeting_and_names_everyone() -> None:
    entry = Entry(AT, Verb.ASSESSED, MEGAN, SENTENCES[Verb.ASSESSED][0])
    told = announcement(entry, PROCESS, (ALEX, ADELE))
    assert PROCESS.decision_question in told.text
    assert f"[Start the meeting]({PROCESS.meeting_url.replace('&', '&amp;')})" in told.text
    assert told.text.endswith("<at>Alex Wilber</at> <at>Adele Vance</at>")
    assert told.mentions == (ALEX, ADELE)
    no_link = announcement(entry, replace(PROCESS, meeting_url=""), ())
    assert "](" not in no_link.text


def test_a_link_that_may_not_be_opened_is_only_named() -> None:
    entry = Entry(AT, Verb.LINKED, MEGAN, {"url": "http://internal.example/x", "label": "Wiki"})
    assert sentence(entry) == "Megan Bowen linked Wiki."


def test_resolved_past_whoever_declares_it_says_so_with_the_reason() -> None:
    data = {"cause": "A bad query", "past": "Adele Vance (Delivery manager)", "past_reason": "it was *obvious*"}
    assert sentence(Entry(AT, Verb.RESOLVED, MEGAN, data)) == (
        "Megan Bowen resolved this. Cause: A bad query."
        " Done without Adele Vance (Delivery manager): it was \\*obvious\\*."
    )
    assert announcement(Entry(AT, Verb.RESOLVED, MEGAN, data), PROCESS, (ADELE,)).mentions == (ADELE,)


def test_private_again_says_since_which_incident() -> None:
    said = sentence(Entry(AT, Verb.MADE_PRIVATE, None, {"before": 7}))
    assert said == "This is a matter of security, as incident 7 of the same alert is."


def test_the_list_says_what_is_covered() -> None:
    text = incident_list([samples.CANDIDATE, samples.URGENT], PROCESS, NOW)
    assert text.startswith("**2 unfinished, 1 without an owner**")
    assert (
        "- candidate **#42** High CPU utilisation on lookup-db-1 (firing, **nobody owns it**, 30 min old)" in text
    )
    assert "(firing, Urgent, Megan Bowen owns it)" in text
    assert incident_list([], PROCESS, NOW) == "There is no unfinished incident."


def test_the_status_tells_owner_urgency_and_next_step() -> None:
    text = status_text(view(samples.NOT_SAFE), NOW)
    for part in (
        "Megan Bowen owns it for 26 min",
        "Resolve internally",
        "Do not push to lookup/api",
        "Issue iam/admin#77",
    ):
        assert part in text.replace("\u2060", "")


def test_help_names_every_command() -> None:
    text = help_text(PROCESS)
    commands = (
        "raise claim assign hand urgency decide note link change confirm resolve follow-up reopen dismiss merge"
    )
    for command in [*commands.split(), "status", "help", "incident", "list", "oncall"]:
        assert f"- `{command}" in text
    for question in PROCESS.questions:
        assert f"{question.key}=" in text


def test_who_is_on_call() -> None:
    assert oncall_text([]).startswith("Nobody is on call")
    assert oncall_text([ALEX]).startswith("**Alex Wilber** is on call.")
    assert oncall_text([ALEX, MEGAN]).startswith("**Alex Wilber** and **Megan Bowen** are on call.")


def test_the_greeting_says_what_is_missing() -> None:
    assert "Wilson - Devs" in greeting(PROCESS, "Wilson - Devs", "API Gateway - Notifications")
    assert "doctor" not in greeting(PROCESS, "Wilson - Devs", "API Gateway - Notifications")
    assert greeting(PROCESS, "", "").count("wilson doctor") == 2


def test_words() -> None:
    assert source_name("gcp_monitoring") == "GCP Monitoring"
    assert source_name("my_api_checker") == "My API Checker"
    assert source_name("") == "Unknown"
    assert ago(AT, NOW) == "30 min"
    assert ago(NOW, AT) == "less than a minute"


def test_answers_that_nobody_gave_are_not_said_to_have_made_anything() -> None:
    answered = samples.OVERRIDDEN
    assert answered.assessment is not None
    unanswered = replace(answered, assessment=replace(answered.assessment, answers={}))
    assert "the answers made it" in str(incident_card(view(answered), now=NOW))
    card = str(incident_card(view(unanswered), now=NOW))
    assert "the answers made it" not in card
    assert "exams begin today" in card
