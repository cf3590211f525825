"""The worst that mails and people can enter: every card stays small, and none of it acts."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from cards.actions import Form
from cards.blocks import MAX_BYTES, Element, size
from cards.case import case_card
from cards.case_actions import CaseForm
from cards.case_forms import case_form, support_form
from cards.case_lists import access_list, case_status, support_list
from cards.declare_form import declare_form
from cards.digest import digest_card
from cards.firing import parts_card
from cards.forms import form_card
from cards.incident import incident_card
from cards.lists import incident_list, status_text
from cards.mail import mail_card
from cards.services import service_text, services_text
from models.domain.alerts import Link
from models.domain.cases import App, Call, Case, CaseState, Letter, Product, Tick
from models.domain.decisions import Refusal
from models.domain.firing import Part
from models.domain.gateway import Grant
from models.domain.incident_parts import Assessment, Escalation, FollowUp, ManualChange, Privacy, Resolution
from models.domain.incidents import Incident, State
from models.domain.outside import StatusUpdate, VendorCall
from models.domain.people import Person
from models.domain.process import Process
from models.domain.recent_changes import ChangeKind, RecentChange, RecentChanges
from models.domain.recurrence import Recurrence
from models.domain.service_rules import Service
from models.domain.views import CaseView, DigestView, IncidentView
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
        affected=_people(fill),
        recurrence=Recurrence(90, "Wednesday", "02:00", tuple(range(10**9, 10**9 + 300))),
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
        privacy=Privacy(person, AT, fill),
        vendors=tuple(VendorCall(fill, fill, f"{url}{n}", person, AT) for n in range(9)),
        recent=RecentChanges(
            tuple(
                RecentChange(ChangeKind.MERGED, fill, fill, fill, AT, f"{url[:298]}{n}", fill) for n in range(10)
            ),
            10**6,
            120,
            NOW,
        ),
        updates=(StatusUpdate(fill, fill, "identified", person, AT),),
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
def test_services_fit_beside_everything_else(fill: str) -> None:
    url = "https://example.com/" + "x" * 270
    links = tuple((fill, f"{url}{n}") for n in range(9))
    many = tuple(Service(f"{fill}{n}", (("source", ("*",)),), fill, (fill,) * 9, links) for n in range(60))
    process = replace(PROCESS, services=many)
    for looked in _views(fill, process):
        assert size(incident_card(looked, now=NOW)) <= MAX_BYTES
    assert len(services_text(process)) < 28_000
    assert len(service_text("", process, _filled(fill))) < 28_000
    assert len(service_text("nothing", process)) < 28_000
    assert size(declare_form(process, {}, Refusal(fill), once="o")) <= MAX_BYTES


@pytest.mark.parametrize("fill", FILL, ids=range(len(FILL)))
@pytest.mark.parametrize("form", [form for form in Form if form is not Form.DECLARE])
def test_the_fullest_form_is_small_enough(fill: str, form: Form) -> None:
    looked = replace(_views(fill)[0], incident=replace(_filled(fill), follow_ups=()))
    kinds = [kind.key for kind in PROCESS.follow_ups]
    titles = {f"title_{kind}": fill for kind in kinds} | {f"follow_{kind}": "true" for kind in kinds}
    names = "text kind url label person option present what why reason into title cause repositories none_reason"
    names += " past_reason"
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
    for looked in _case_views(fill):
        assert size(case_card(looked, now=NOW)) <= MAX_BYTES
        assert len(case_status(looked, NOW)) < 28_000
    filled = [looked.case for looked in _case_views(fill)] * 20
    assert len(access_list(filled, filled, PROCESS.procedures, NOW)) < 28_000
    assert len(support_list(filled, PROCESS.procedures, NOW)) < 28_000
    for form in CaseForm:
        values = dict.fromkeys(("text", "to", "subject", "body"), fill)
        card = case_form(_case_views(fill)[0], form, values=values, refusal=Refusal(fill), once="o" * 64)
        assert size(card) <= MAX_BYTES
    parts = tuple(Part("Log page", state, fill, fill) for state in ("made", "failed", "trying", "begun"))
    assert size(parts_card(_filled(fill), parts)) <= MAX_BYTES
    digest = digest_card(DigestView(1, (_filled(fill),) * 500, PROCESS))
    assert size(digest) <= MAX_BYTES
    assert "more: use `list`" in json.dumps(digest)
    assert len(incident_list([_filled(fill)] * 100, PROCESS, NOW)) < 28_000
    assert len(status_text(_views(fill)[0], NOW)) < 28_000


def test_a_small_digest_shows_everything() -> None:
    assert "use `list`" not in json.dumps(digest_card(samples.DIGEST))


OURS = ("https://gitlab.example.com/", *re.findall(r"https://[^\s\"]+", samples.PROCESS_FILE.read_text()))
"""Addresses that the samples and the process name."""


def _case_views(fill: str) -> list[CaseView]:
    """Return cases of which every foreign text is ``fill``, and there is as much as there can be."""
    somebody = Person("x" * 36, fill, "29:" + "x" * 60, fill[:20])
    products = tuple(Product(fill[:100], fill[:100], fill[:300], Grant.PENDING) for _ in range(30))
    app = App(
        *(fill[:200],) * 6, products=products, description=fill[:500], callback_url=fill[:300], console_url=fill,
        looked_up_at=NOW, authorised_how=fill[:300],
    )  # fmt: skip
    letters = tuple(Letter("why", fill[:200], fill[:200], fill, somebody, NOW, "0") for _ in range(9))
    ticks = tuple(Tick(key, somebody, NOW, fill[:300]) for key in ("authorised", "list_card_reader", "assigned"))
    access = Case(
        "access", fill[:200], NOW, id=2**31, owner=somebody, owned_at=NOW, app=app, ticks=ticks, letters=letters,
        reason=fill[:600], trouble=fill[:400], issue_key="1" * 40, decided_by=somebody,
        issue_url="https://gitlab.example.com/" + "u" * 1900,
    )  # fmt: skip
    call = Call(
        "1" * 12,
        "https://gitlab.example.com/x",
        fill[:200],
        fill[:100],
        fill[:200],
        known=False,
        known_how=fill[:300],
    )
    answers = tuple((key, fill[:600]) for key in ("crsids", "change"))
    helped = replace(access, app=None, procedure="admins", call=call, answers=answers)
    people = (somebody,) * 100
    return [
        CaseView(
            each,
            PROCESS.procedures,
            people,
            people,
            viewer,
            console_url=fill,
            others=((1, fill),) * 50,
            notice=fill,
        )
        for each in (access, helped, replace(access, state=CaseState.DECLINED))
        for viewer in (somebody, None)
    ]


def _cards(attack: str) -> list[Element]:
    refusal = Refusal(attack, fields=("text",))
    values = dict.fromkeys(("text", "cause", "title", "url"), attack)
    forms = [form for form in Form if form is not Form.DECLARE]
    return [
        *(incident_card(each, now=NOW) for each in _views(attack)),
        *(form_card(_views(attack)[0], form, values=values, refusal=refusal, once="o", now=NOW) for form in forms),
        mail_card(replace(samples.MAIL, subject=attack, sender=attack, reason=attack)),
        *(case_card(looked, now=NOW) for looked in _case_views(attack)),
        *(case_form(_case_views(attack)[0], form, values=values, refusal=refusal, once="o") for form in CaseForm),
        support_form(PROCESS.procedures.support[0], values, refusal, others=((1, attack),), once="o"),
        digest_card(DigestView(1, (_filled(attack),) * 3, PROCESS)),
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_foreign_text_acts_on_any_card(attack: str) -> None:
    for card in _cards(attack):
        for each in elements(card):
            if each.get("type") == "Action.OpenUrl":
                assert each["url"].startswith(OURS)
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
