"""Requests in every state, as a team would meet them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from models.domain import calls, support
from models.domain.cases import App, Approval, Call, Case, CaseState, Letter, Product, Tick
from models.domain.gateway import Grant
from models.domain.people import Person
from models.domain.procedures import Procedures
from models.domain.views import CaseView
from tests.unit.cards.samples import ADELE, ALEX, AT, MEGAN, NOW, PROCESS, TEAM

PROCEDURES = PROCESS.procedures
ONLY_MEGAN = replace(PROCEDURES, access=replace(PROCEDURES.access, approvers=(MEGAN.id,), lead="adelev"))
TWO = replace(
    PROCEDURES,
    access=replace(
        PROCEDURES.access, rules=tuple(replace(each, second_person=True) for each in PROCEDURES.access.rules)
    ),
)

TIMETABLE = App(
    title="My Timetable",
    app_id="11111111-2222-3333-4444-555555555555",
    name="my-timetable",
    team="timetable-team",
    team_title="Timetabling",
    requester="abc12@example.ac.uk",
    products=(Product("university-card-v1", "University Card", "names and card numbers", Grant.PENDING),),
    description="Shows who may enter which room",
    callback_url="https://timetable.example.ac.uk/callback",
    created_at=AT,
    console_url="https://console.cloud.google.com/apigee/apps/1?project=x",
    looked_up_at=AT,
)
NEW = Case("access", "My Timetable", AT, id=7, version=1, last_seen=AT, app=TIMETABLE)
FROM_MAIL = replace(
    NEW, app=replace(TIMETABLE, looked_up_at=None, team_title="", products=(Product("University Card"),))
)
PERSONAL = replace(NEW, app=replace(TIMETABLE, team="", team_title=""))
TAKEN = replace(
    NEW, owner=MEGAN, owned_at=AT, issue_key="31", issue_url="https://gitlab.example.com/iam/admin/-/issues/31"
)
CHECKED = replace(
    TAKEN,
    ticks=(Tick("authorised", MEGAN, AT, "computer officer in Physics"), Tick("list_card_reader", MEGAN, AT)),
)
SECONDED = replace(CHECKED, approvals=(Approval(MEGAN, AT),))
APPROVED = replace(
    CHECKED, state=CaseState.APPROVED, decided_by=MEGAN, decided_at=AT, approvals=(Approval(MEGAN, AT),)
)
DONE = replace(APPROVED, state=CaseState.DONE)
FAILED = replace(CHECKED, trouble="the gateway says: university-card-v1 is revoked")
LETTER = Letter("why", TIMETABLE.requester, "Why do you need it?", "Hello", MEGAN, AT, "00ff00ff00ff00ff", "sent")
ASKED = replace(TAKEN, state=CaseState.ASKED, letters=(LETTER,))
REFERRED = replace(TAKEN, state=CaseState.REFERRED)
DECLINED = replace(TAKEN, state=CaseState.DECLINED, decided_by=MEGAN, decided_at=AT, reason="no answer for a month")
FOLDED = replace(NEW, state=CaseState.FOLDED, folded_into=6)

DRIVE = replace(
    support.opened(
        PROCEDURES.support[0],
        {"call": "12345", "crsids": "xyz98"},
        Call("12345", "https://halo.example.ac.uk/tickets?id=12345", "Files of a leaver", "Sam Smith"),
        ALEX,
        at=AT,
    ).case,  # type: ignore[union-attr] # the answers are complete
    id=9,
    version=1,
)
WAITING = replace(
    DRIVE,
    ticks=tuple(Tick(key, ALEX, AT) for key in ("assigned", "restored", "told")),
)
DUE = replace(WAITING, ticks=tuple(replace(each, at=AT - timedelta(days=20)) for each in WAITING.ticks))
ADMINS = replace(
    DRIVE,
    procedure="admins",
    title="Top-level admins",
    call=replace(DRIVE.call, known_how="the directory: Sam, in none"),
)  # type: ignore[type-var]

CALL = replace(
    calls.opened(
        Call("12346", "https://halo.example.ac.uk/tickets?id=12346", "How do I get a token?", "Sam Smith"), None, AT
    ).case,
    id=10,
    version=1,
)
CALL_UNCLEAR = replace(
    CALL, owner=ALEX, owned_at=AT, state=CaseState.ASKED, waiting_since=AT,
    outcome="unclear", outcome_note="Which token?",
)  # fmt: skip
CALL_ASKED = replace(CALL, outcome="ask", outcome_note="Who knows tokens?")
CALL_CLOSED = replace(
    CALL_ASKED,
    owner=ALEX,
    owned_at=AT,
    state=CaseState.DONE,
    decided_by=ALEX,
    decided_at=AT,
    reason="The user confirms",
)
CALL_INCIDENT = replace(CALL_CLOSED, outcome="bug", reason="", incident=42)


def case_view(
    case: Case, viewer: Person | None = None, procedures: Procedures = PROCEDURES, **more: object
) -> CaseView:
    """Look at a case; Alex is on call."""
    url = case.app.console_url if case.app else ""
    given: dict[str, object] = {"console_url": url, "gateway": True} | more
    return CaseView(case, procedures, TEAM, (ALEX,), viewer, **given)  # type: ignore[arg-type] # checked by the class


VIEWS = {
    "new": case_view(NEW),
    "from_mail": case_view(FROM_MAIL),
    "personal": case_view(PERSONAL),
    "taken": case_view(TAKEN, MEGAN),
    "checked": case_view(CHECKED, MEGAN),
    "seconded": case_view(SECONDED, MEGAN, TWO),
    "approved": case_view(APPROVED, MEGAN),
    "approved_by_hand": case_view(APPROVED, MEGAN, gateway=False),
    "done": case_view(DONE),
    "failed": case_view(FAILED, MEGAN),
    "asked": case_view(ASKED, MEGAN),
    "referred": case_view(REFERRED, MEGAN),
    "declined": case_view(DECLINED, MEGAN),
    "folded": case_view(FOLDED, MEGAN),
    "not_an_approver": case_view(CHECKED, ADELE, ONLY_MEGAN, notice="Those whom the process names decide."),
    "for_everyone": case_view(CHECKED, None, ONLY_MEGAN),
    "support_begun": case_view(DRIVE, ALEX),
    "support_waiting": case_view(WAITING, ALEX),
    "support_due": case_view(DUE, ALEX),
    "support_admins": case_view(ADMINS, ALEX),
    "call": case_view(CALL),
    "call_unclear": case_view(CALL_UNCLEAR, ALEX),
    "call_asked": case_view(CALL_ASKED, MEGAN),
    "call_closed": case_view(CALL_CLOSED, ALEX),
    "call_incident": case_view(CALL_INCIDENT, ALEX),
}
__all__ = ["NOW", "VIEWS", "case_view"]
