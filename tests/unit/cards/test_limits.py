"""The worst that mails and people can enter: every card stays small, and none of it acts."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cards.actions import Form
from cards.blocks import MAX_BYTES, Element, size
from cards.digest import digest_card
from cards.forms import declare_form, form_card
from cards.incident import incident_card
from cards.lists import incident_list, status_text
from cards.mail import access_card, mail_card
from models.domain.alerts import Link
from models.domain.incidents import (
    Assessment,
    Escalation,
    FollowUp,
    Incident,
    ManualChange,
    Refusal,
    Resolution,
    State,
)
from models.domain.people import Person
from models.domain.process import Process
from models.domain.views import DigestView, IncidentView
from tests.unit.cards import samples
from tests.unit.cards.samples import AT, NOW, PROCESS
from tests.unit.cards.test_foreign_text import ATTACKS
from tests.unit.cards.test_golden import elements

FILL = ["x" * 1_000_000, "😀" * 5000, '"\\' * 5000, "<&>_*[]" * 2000, "a.b@c//" * 2000, "\x00\u202e" * 5000 + "end"]


def _people(fill: str) -> tuple[Person, ...]:
    return tuple(Person(f"00000000-0000-0000-0000-{n:012}", f"{n} {fill}", f"29:{'i' * 90}{n}") for n in range(70))


def _filled(fill: str) -> Incident:
    person = _people(fill)[0]
    url = "https://gitlab.example.com/" + "u" * 400
    return Incident(
        id=10**9,
        version=1,
        state=State.OPEN,
        title=fill,
        source=fill,
        created_at=AT,
        severity=fill,
        project=fill,
        resource=fill,
        condition=fill,
        summary=fill,
        source_url=url,
        links=tuple(Link(fill, f"{url}{n}") for n in range(20)),
        alerting=True,
        count=10**9,
        first_seen=AT,
        last_seen=AT + timedelta(days=30),
        unreadable=fill,
        why=fill,
        raised_at=AT,
        owner=person,
        owned_at=AT - timedelta(days=30),
        urgency="urgent",
        assessment=Assessment({"users": 1, "self_resolved": True}, "not_urgent", fill, fill),
        escalation=Escalation("internal", person, fill, AT),
        changes=tuple(ManualChange(n, fill, fill, person, AT) for n in range(1, 20)),
        not_safe=tuple(fill for _ in range(20)),
        follow_ups=tuple(FollowUp(str(n), fill, fill, fill, f"{url}{n}") for n in range(20)),
        previous_id=10**9,
        issue_key=fill,
        issue_url=url,
    )


def _views(fill: str, process: Process = PROCESS) -> list[IncidentView]:
    people = _people(fill)
    others = tuple((10**9 + n, fill) for n in range(60))
    incident = _filled(fill)
    resolution = Resolution(fill, True, (fill,) * 20, people[0], AT, fill)
    each = [
        incident,
        replace(incident, owner=None, state=State.CANDIDATE),
        replace(incident, state=State.RESOLVED, resolution=resolution),
        replace(incident, state=State.RESOLVED, resolution=resolution, follow_ups=()),
        replace(incident, state=State.DISMISSED, dismiss_reason=fill),
    ]
    return [IncidentView(one, process, people, people, None, others) for one in each]


@pytest.mark.parametrize("fill", FILL, ids=range(len(FILL)))
def test_the_fullest_incident_card_is_small_enough(fill: str) -> None:
    for looked in _views(fill):
        assert size(incident_card(looked, now=NOW)) <= MAX_BYTES


@pytest.mark.parametrize("fill", FILL, ids=range(len(FILL)))
@pytest.mark.parametrize("form", [form for form in Form if form is not Form.DECLARE])
def test_the_fullest_form_is_small_enough(fill: str, form: Form) -> None:
    looked = replace(_views(fill)[0], incident=replace(_filled(fill), follow_ups=()))
    kinds = [kind.key for kind in PROCESS.follow_ups]
    titles = {f"title_{kind}": fill for kind in kinds} | {f"follow_{kind}": "true" for kind in kinds}
    names = "text kind url label person option present what why reason into title cause repositories none_reason"
    values = dict.fromkeys([*names.split(), "follow_up_title", "over", "safe", "q_users"], fill) | titles
    refusal = Refusal(fill, ask="take_over", fields=("cause", "text"))
    card = form_card(looked, form, values=values, refusal=refusal, once="o" * 64, now=NOW)
    assert size(card) <= MAX_BYTES


@pytest.mark.parametrize("fill", FILL, ids=range(len(FILL)))
def test_the_other_cards_are_small_enough(fill: str) -> None:
    values = {"title": fill, "description": fill, "reason": fill}
    assert size(declare_form(PROCESS, values, Refusal(fill), once="o")) <= MAX_BYTES
    mail = replace(samples.MAIL, subject=fill, sender=fill, reason=fill)
    assert size(mail_card(mail)) <= MAX_BYTES
    url = "https://a.example/" + "u" * 1900
    assert (
        size(access_card(replace(samples.ACCESS, subject=fill, url=url, facts=((fill, fill),) * 50))) <= MAX_BYTES
    )
    digest = digest_card(DigestView(1, (_filled(fill),) * 500, PROCESS))
    assert size(digest) <= MAX_BYTES
    assert "more: use `list`" in json.dumps(digest)
    assert len(incident_list([_filled(fill)] * 100, PROCESS, NOW)) < 28_000
    assert len(status_text(_views(fill)[0], NOW)) < 28_000


def test_a_small_digest_shows_everything() -> None:
    assert "use `list`" not in json.dumps(digest_card(samples.DIGEST))


def _cards(attack: str) -> list[Element]:
    refusal = Refusal(attack, fields=("text",))
    values = dict.fromkeys(("text", "cause", "title", "url"), attack)
    forms = [form for form in Form if form is not Form.DECLARE]
    return [
        *(incident_card(each, now=NOW) for each in _views(attack)),
        *(form_card(_views(attack)[0], form, values=values, refusal=refusal, once="o", now=NOW) for form in forms),
        mail_card(replace(samples.MAIL, subject=attack, sender=attack, reason=attack)),
        access_card(replace(samples.ACCESS, subject=attack, url=f"{attack} ", facts=((attack, attack),))),
        digest_card(DigestView(1, (_filled(attack),) * 3, PROCESS)),
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_foreign_text_acts_on_any_card(attack: str) -> None:
    for card in _cards(attack):
        for each in elements(card):
            if each.get("type") == "Action.OpenUrl":
                assert each["url"].startswith("https://gitlab.example.com/")
        # What people typed is theirs again inside an input; everywhere else the text has been made inert.
        for each in elements(card):
            if str(each.get("type", "")).startswith("Input."):
                each.pop("value", None)
        text = json.dumps(card, ensure_ascii=False)
        assert "<at>All" not in text
        assert "](https://evil" not in text
        assert "https://evil" not in text
        assert "{{DATE(2026-11-20T10" not in text
        assert "\u202e" not in text
        for entity in card["msteams"].get("entities", ()):
            assert entity["mentioned"]["id"].startswith("29:iii")
