"""Where each effect goes: to whom, in which stream, and what it is one with that waits already."""

from __future__ import annotations

import hashlib

from models.domain.case_effects import (
    CarryOut,
    CaseEffect,
    CloseCall,
    DeclareFromCall,
    HearAnswer,
    LookUpCase,
    NoteCall,
    NoteCaseIssue,
    OpenCase,
    PostCase,
    RaiseCaseIssue,
    RefreshCase,
    SendLetter,
    SyncCaseIssue,
    TellCase,
    WithholdCase,
)
from models.domain.effects import (
    Answer,
    AskAtDaysEnd,
    Effect,
    LearnTeam,
    PostDigest,
    PostMail,
    PostReview,
    PostShift,
    RefreshReview,
    RefreshShift,
    SendReport,
    Tell,
)
from models.domain.incident_effects import (
    Announce,
    AskUpdate,
    LookForChanges,
    MailSecurity,
    NoteIssue,
    OfferChannel,
    OpenChannel,
    PostCard,
    PostPrivate,
    PostUpdate,
    RaiseFollowUp,
    RaiseIssue,
    ReadIssue,
    ReadMergeRequest,
    RefreshCard,
    ReportParts,
    ShowOnPage,
    SyncIssue,
    TellPager,
    WriteLogPage,
    WritePostMortem,
)

TEAMS, TRACKER, GATEWAY, MAIL, DESK, PAGE = "teams", "tracker", "gateway", "mail", "desk", "page"
PAGER = "pager"
CHANGES = "changes"
"""The tracker, asked for hints alone: nothing waits for them, and nobody is told when they fail."""


def route_of(effect: Effect) -> tuple[str, str, int, bool, str | None]:
    """Return target, stream, subject, whether it blocks its stream, and what it is coalesced by."""
    match effect:
        case PostCard(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, True, f"post:{incident_id}"
        case PostPrivate(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, True, f"private:{incident_id}"
        case AskUpdate(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, False, f"ask:{incident_id}"
        case OpenChannel(incident_id):
            return PAGE, f"channel:{incident_id}", incident_id, False, f"channel:{incident_id}"
        case WriteLogPage(incident_id):
            return TRACKER, f"tracker:log:{incident_id}", incident_id, False, f"log:{incident_id}"
        case ReportParts(incident_id):
            return TEAMS, f"teams:parts:{incident_id}", incident_id, False, f"parts:{incident_id}"
        case OfferChannel(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, False, f"offer:{incident_id}"
        case ShowOnPage(incident_id):
            return PAGE, f"page:{incident_id}", incident_id, False, None
        case TellPager(incident_id):
            return PAGER, f"pager:{incident_id}", incident_id, False, f"pager:{incident_id}"
        case PostUpdate(incident_id):
            return TEAMS, f"teams:updates:{incident_id}", incident_id, False, None
        case MailSecurity(incident_id):
            return MAIL, f"mail:{incident_id}", incident_id, False, f"security:{incident_id}"
        case RefreshCard(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, False, f"refresh:{incident_id}"
        case Announce(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, False, None
        case RaiseIssue(incident_id):
            return TRACKER, f"tracker:{incident_id}", incident_id, True, f"raise:{incident_id}"
        case SyncIssue(incident_id):
            return TRACKER, f"tracker:{incident_id}", incident_id, False, f"sync:{incident_id}"
        case ReadIssue(incident_id):
            return TRACKER, f"tracker:{incident_id}", incident_id, False, f"read:{incident_id}"
        case ReadMergeRequest(incident_id, url):
            name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            return TRACKER, f"tracker:{incident_id}", incident_id, False, f"merge:{incident_id}:{name}"
        case LookForChanges(incident_id):
            return CHANGES, f"changes:{incident_id}", incident_id, False, f"changes:{incident_id}"
        case WritePostMortem(incident_id):
            return TRACKER, f"tracker:{incident_id}", incident_id, False, f"post-mortem:{incident_id}"
        case NoteIssue(incident_id) | RaiseFollowUp(incident_id):
            return TRACKER, f"tracker:{incident_id}", incident_id, False, None
        case PostMail(mail_id):
            return TEAMS, f"teams:mail:{mail_id}", mail_id, False, f"mail:{mail_id}"
        case PostDigest(digest_id):
            return TEAMS, f"teams:digest:{digest_id}", digest_id, False, f"digest:{digest_id}"
        case PostShift(shift):
            return TEAMS, f"teams:shift:{shift}", shift, False, f"shift:{shift}"
        case RefreshShift(shift):
            return TEAMS, f"teams:shift:{shift}", shift, False, f"refresh:shift:{shift}"
        case AskAtDaysEnd(incident_id):
            return TEAMS, f"teams:{incident_id}", incident_id, False, f"days-end:{incident_id}"
        case PostReview(review):
            return TEAMS, f"teams:review:{review}", review, False, None
        case RefreshReview(review):
            return TEAMS, f"teams:review:{review}", review, False, f"refresh:review:{review}"
        case LearnTeam(team_id):
            return TEAMS, f"teams:team:{team_id}"[:100], 0, False, f"team:{team_id}"[:100]
        case Answer() | Tell() | SendReport():
            return TEAMS, "", 0, False, None
        case OpenCase(mail_id):
            return GATEWAY, f"gateway:mail:{mail_id}", mail_id, False, f"case:mail:{mail_id}"
        case HearAnswer(case_id):
            return GATEWAY, f"gateway:case:{case_id}", case_id, False, None
        case _:
            return _case_route(effect)


def _case_route(effect: CaseEffect) -> tuple[str, str, int, bool, str | None]:
    number = effect.case_id
    match effect:
        case PostCase():
            return TEAMS, f"teams:case:{number}", number, True, f"post:case:{number}"
        case RefreshCase():
            return TEAMS, f"teams:case:{number}", number, False, f"refresh:case:{number}"
        case TellCase():
            return TEAMS, f"teams:case:{number}", number, False, None
        case RaiseCaseIssue():
            return TRACKER, f"tracker:case:{number}", number, True, f"raise:case:{number}"
        case SyncCaseIssue():
            return TRACKER, f"tracker:case:{number}", number, False, f"sync:case:{number}"
        case NoteCaseIssue():
            return TRACKER, f"tracker:case:{number}", number, False, None
        case LookUpCase():
            return GATEWAY, f"gateway:case:{number}", number, False, f"look:case:{number}"
        case CarryOut():
            return GATEWAY, f"gateway:case:{number}", number, False, f"carry:case:{number}"
        case SendLetter():
            return MAIL, f"mail:case:{number}", number, False, None
        case CloseCall():
            return DESK, f"desk:case:{number}", number, False, f"close:case:{number}"
        case DeclareFromCall() | WithholdCase():
            return TEAMS, f"teams:case:{number}", number, False, None
        case NoteCall():
            return DESK, f"desk:case:{number}", number, False, None
