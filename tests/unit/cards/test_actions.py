"""What buttons send: read back as what was meant, and anything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.actions import (
    VERBS,
    AdoptMail,
    Button,
    DeclareIncident,
    Do,
    Form,
    OpenForm,
    Refresh,
    SetMailAside,
    ShowCard,
    decode,
    encode,
)
from cards.payload import BadAction, decode_values
from models.domain import requests
from models.domain.people import Person
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import NoteKind
from tests.unit.cards.samples import ADELE, ALEX, MEGAN, TEAM


def read(do: str, **more: object) -> Button:
    return decode({"wilson": 1, "do": do, "incident": 42, "once": "a1", **more}, ALEX, TEAM)


@pytest.mark.parametrize(
    ("do", "more", "request_"),
    [
        ("raise", {}, requests.Raise()),
        ("claim", {}, requests.Claim()),
        ("claim", {"take_over": True}, requests.Claim(take_over=True)),
        ("assign", {"person": MEGAN.id}, requests.Assign(MEGAN)),
        ("assign", {"person": MEGAN.teams_id, "take_over": True}, requests.Assign(MEGAN, take_over=True)),
        ("hand_over", {"person": ADELE.id}, requests.HandOver(ADELE)),
        (
            "assess",
            {
                "q_users": "12",
                "q_critical": "yes",
                "q_workaround": "no",
                "q_self_resolved": "unknown",
                "reason": "x",
            },
            requests.Assess(
                {"users": 12, "critical": True, "workaround": False, "self_resolved": None}, "", "x", ""
            ),
        ),
        ("assess", {"urgency": "computed", "q_users": ""}, requests.Assess({"users": None})),
        ("assess", {"urgency": "urgent", "q_users": 3.0}, requests.Assess({"users": 3}, "urgent")),
        ("decide", {"option": "internal", "present": "Megan"}, requests.Decide("internal", "Megan")),
        ("note", {"text": "a\nb", "kind": "action"}, requests.AddNote("a\nb", NoteKind.ACTION)),
        ("note", {"text": "a"}, requests.AddNote("a")),
        ("link", {"url": "https://a.example", "label": "MR"}, requests.AddLink("https://a.example", "MR")),
        ("change", {"what": "restart", "why": "urgent"}, requests.ProposeChange("restart", "urgent")),
        ("confirm", {"number": 2}, requests.ConfirmChange(2)),
        ("follow_up", {"kind": "alerting", "title": "t"}, requests.AddFollowUp("alerting", "t")),
        ("close", {}, requests.Close()),
        ("reopen", {"reason": "again"}, requests.Reopen("again")),
        ("dismiss", {"reason": "test", "improve": "true"}, requests.Dismiss("test", improve=True)),
        ("merge", {"into": "40"}, requests.Merge(40)),
    ],
)
def test_a_request_is_read_back(do: str, more: dict[str, object], request_: object) -> None:
    assert read(do, **more) == Do(request_, "a1", 42)  # type: ignore[arg-type]


def test_the_resolve_form_is_read_back() -> None:
    sent = {
        "over": "yes",
        "cause": "A query\nwithout an index",
        "limit_reached": "false",
        "rolled_back": "yes",
        "repositories": "lookup/api, lookup/deploy,",
        "safe": "no",
        "follow_long_term": "true",
        "title_long_term": "Index it",
        "follow_alerting": "false",
        "title_alerting": "Improve it",
        "none_reason": "",
        "past_reason": "obvious",
    }
    answers = ResolveAnswers(
        over=True,
        cause="A query\nwithout an index",
        rolled_back=True,
        repositories=("lookup/api", "lookup/deploy"),
        safe=False,
        follow_ups={"long_term": "Index it"},
        past_reason="obvious",
    )
    assert read("resolve", **sent) == Do(requests.Resolve(answers), "a1", 42)


def test_an_empty_resolve_form_leaves_everything_open() -> None:
    assert read("resolve") == Do(requests.Resolve(ResolveAnswers()), "a1", 42)


def test_the_other_buttons_are_read_back() -> None:
    assert read("refresh") == Refresh(42)
    for form in Form:
        assert read("open", form=form.value) == OpenForm(form, "a1", 42)
    assert read("show_card", pick="17") == ShowCard(17)
    assert read("adopt_mail", mail=7) == AdoptMail(7)
    assert read("set_mail_aside", mail=7) == SetMailAside(7)
    assert read("declare", title="It burns", q_users="2") == DeclareIncident(
        "It burns", answers={"users": 2}, once="a1"
    )


def test_every_verb_is_read() -> None:
    more = {"form": "note", "pick": 1, "mail": 1, "number": 1, "into": 1, "person": MEGAN.id}
    for verb in VERBS:
        assert decode(encode(verb, incident=1) | more, ALEX, TEAM)


def test_who_acts_can_be_chosen_though_the_team_is_not_known() -> None:
    assert decode({"wilson": 1, "do": "assign", "person": ALEX.id}, ALEX, ()) == Do(requests.Assign(ALEX))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "claim",
        {},
        {"wilson": 1},
        {"wilson": True, "do": "claim"},
        {"wilson": 2, "do": "claim"},
        {"wilson": "1", "do": "claim"},
        {"wilson": 1, "do": "delete"},
        {"wilson": 1, "do": ["claim"]},
        {"wilson": 1, "do": "__class__"},
        {"wilson": 1, "do": "open", "form": "delete"},
        {"wilson": 1, "do": "open"},
        {"wilson": 1, "do": "claim", "take_over": "perhaps"},
        {"wilson": 1, "do": "claim", "take_over": {"a": 1}},
        {"wilson": 1, "do": "claim", "once": "x" * 65},
        {"wilson": 1, "do": "claim", "once": "a b"},
        {"wilson": 1, "do": "assign"},
        {"wilson": 1, "do": "assign", "person": ""},
        {"wilson": 1, "do": "assign", "person": "00000000-0000-0000-0000-00000000ffff"},
        {"wilson": 1, "do": "assign", "person": [MEGAN.id]},
        {"wilson": 1, "do": "note", "text": "x" * 4001},
        {"wilson": 1, "do": "note", "text": 5},
        {"wilson": 1, "do": "note", "text": "x", "kind": "gossip"},
        {"wilson": 1, "do": "link", "url": "https://a.example/" + "x" * 2000},
        {"wilson": 1, "do": "confirm", "number": 0},
        {"wilson": 1, "do": "confirm", "number": True},
        {"wilson": 1, "do": "confirm", "number": "1e3"},
        {"wilson": 1, "do": "confirm", "number": float("nan")},
        {"wilson": 1, "do": "merge", "into": 2**60},
        {"wilson": 1, "do": "assess", "q_users": -1},
        {"wilson": 1, "do": "assess", "q_users": 10**9},
        {"wilson": 1, "do": "assess", "q_critical": "maybe"},
        {"wilson": 1, "do": "assess", "urgency": "Not A Key"},
        {"wilson": 1, "do": "resolve", "over": 3},
        {"wilson": 1, "do": "resolve", "follow_alerting": "x"},
        {"wilson": 1, "do": "declare", "title": "x" * 201},
        {"wilson": 1, "do": "claim", **{f"k{n}": n for n in range(100)}},
    ],
)
def test_anything_else_is_refused(data: object) -> None:
    with pytest.raises(BadAction) as refused:
        decode(data, ALEX, TEAM)
    assert refused.value.text


def test_the_hint_is_only_a_number_or_nothing() -> None:
    for wrong in (0, -1, True, "42", None, 2**70, [1]):
        assert decode({"wilson": 1, "do": "refresh", "incident": wrong}, ALEX, TEAM) == Refresh(None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [
    "incident once form mail number take_over pick person urgency reason follow_up_title over cause limit_reached",
    "rolled_back repositories safe none_reason follow_alerting title_alerting q_users q_critical kind text url",
    "past_reason label option present what why improve into title description",
]


@given(
    st.sampled_from([*sorted(VERBS), "nonsense"]),
    st.dictionaries(st.sampled_from(" ".join(_FIELDS).split()) | st.text(max_size=10), _JSON, max_size=12),
)
def test_no_payload_raises_anything_else(do: str, more: dict[str, object]) -> None:
    try:
        button = decode({"wilson": 1, "do": do, **more}, ALEX, TEAM)
    except BadAction:
        return
    assert (
        not isinstance(button, Do)
        or not isinstance(button.request, requests.Assign)
        or isinstance(button.request.to, Person)
    )
    assert all(isinstance(value, str) for value in decode_values({"do": do, **more}).values())


@given(_JSON)
def test_no_data_raises_anything_else(data: object) -> None:
    with pytest.raises(BadAction):
        decode(data, ALEX, TEAM)
    decode_values(data)


def test_entered_values_come_back_without_the_payload_s_own() -> None:
    sent = encode("note", incident=1, once="x") | {
        "text": "a\u202e\nb",
        "q_users": 3,
        "on": True,
        "x y": "no",
        "n": [],
    }
    assert decode_values(sent) == {"text": "a\nb", "q_users": "3", "on": "true"}
