"""Requests for access to the API gateway: the checks, the decision, and what comes of it (W118-W130)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.domain.case_effects import CarryOut, LookUpCase, PostCase, RefreshCase, SendLetter
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.cases import (
    App,
    Approval,
    Case,
    CaseDecision,
    CaseOutcome,
    CaseState,
    Letter,
    Product,
    Tick,
    finish,
    over,
    told,
)
from models.domain.decisions import Refusal
from models.domain.gateway import GatewayApp, Grant
from models.domain.people import Person
from models.domain.procedures import AccessProcess, ProductRule

PROCEDURE = "access"
TEAM, AUTHORISED, APPROVED = "team", "authorised", "approved"
LIST = "list_"
"""How the keys of permission lists begin."""

_LOGIN = re.compile(r"[a-z]{2,5}\d{1,5}", re.IGNORECASE)
_NOT_A_TEAM = re.compile(
    r"\b(?:test(?:ing)?|personal|private|my|mine|me|tmp|temp|asdf|foo|bar|untitled|default)\b", re.I
)


class Standing(StrEnum):
    """How a check stands."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Check:
    """One of the process's checks.

    Attributes:
        key: What ``done <key>`` calls it.
        how: How Wilson knows; empty where it does not.
        url: Where it says more; empty for nowhere.
        tickable: Whether a person's word counts.
    """

    key: str
    text: str
    standing: Standing
    how: str = ""
    url: str = ""
    tickable: bool = False


def opened(app: App, at: datetime, *, how: str) -> CaseDecision:
    """Make a case of a request that was not seen before.

    Args:
        how: ``mail`` or ``gateway``.
    """
    case = Case(PROCEDURE, app.title[:200], at, last_seen=at, app=app)
    entry = CaseEntry(at, CaseVerb.OPENED, None, {"how": how})
    return CaseDecision(case, (entry,), (PostCase(0), LookUpCase(0)))


def repeated(case: Case, again: App, at: datetime, *, how: str) -> CaseDecision:
    """Let the same request join its case; what only this report tells is taken over."""
    changed = replace(case, count=case.count + 1, last_seen=at)
    if changed.app is not None:
        missing = ["requester", "description", "callback_url"]
        if changed.app.looked_up_at is None:
            missing += ["console_url", "team", "app_id", "name"]
        told: dict[str, Any] = {name: getattr(again, name) for name in missing if not getattr(changed.app, name)}
        changed = replace(changed, app=replace(changed.app, **told))
    return CaseDecision(changed, (CaseEntry(at, CaseVerb.REPEATED, None, {"how": how}),), (RefreshCase(case.id),))


def covers(case: Case, app: App) -> bool:
    """Tell whether an undecided case is about the same app, and about each product that is asked for."""
    held = case.app
    if held is None or case.state.finished:
        return False
    if held.app_id and app.app_id:
        same = held.app_id == app.app_id
    else:
        same = held.title.casefold() in (app.title.casefold(), app.name.casefold())
    names = {name.casefold() for each in held.products for name in (each.name, each.title) if name}
    return same and all({each.name.casefold(), each.title.casefold()} & names for each in app.products)


def looks_personal(team: str, requester: str) -> str:
    """Say why a team's name looks like one person's; empty where it does not. A person decides."""
    local = requester.partition("@")[0].casefold()
    name = team.strip()
    if "@" in name:
        return "it is an e-mail address"
    if local and len(local) > 2 and local in re.split(r"[\W_]+", name.casefold()):
        return "it is the requester's login"
    if _LOGIN.fullmatch(name):
        return "it looks like a login"
    if found := _NOT_A_TEAM.search(name.replace("-", " ").replace("_", " ")):
        return f"“{found[0]}” names no team"
    return ""


def rules_of(case: Case, process: AccessProcess) -> list[ProductRule]:
    """Return what the process says about the products that are asked for."""
    products = case.app.products if case.app else ()
    found = [process.rule(each.name, each.title) for each in products]
    return list(dict.fromkeys(rule for rule in found if rule is not None))


def needs_second(case: Case, process: AccessProcess) -> bool:
    """Tell whether two people must approve."""
    return any(rule.second_person for rule in rules_of(case, process))


def checks(case: Case, process: AccessProcess) -> tuple[Check, ...]:
    """Return what must hold before access is given, in the process's order."""
    rules = rules_of(case, process)
    found = [_taken(case), _team(case, process)]
    if any(rule.personal_information for rule in rules):
        found.append(_authorised(case, process))
    lists = {each.name: each for rule in rules for each in rule.lists}
    for name, each in lists.items():
        key = list_key(name)
        text = f"The app is on the list {name}, and that is deployed"
        found.append(_by_tick(case, Check(key, text, Standing.OPEN, url=each.readme, tickable=True)))
    return tuple(found)


def list_key(name: str) -> str:
    """Return the key of a permission list's check."""
    return LIST + re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:40]


def _taken(case: Case) -> Check:
    text = "Taken, with an issue"
    if case.owner is None:
        return Check("take", text, Standing.OPEN)
    issue = f"issue {case.issue_key}" if case.issue_key else "its issue is being raised"
    return Check("take", text, Standing.HOLDS, f"{case.owner.name}; {issue}")


def _team(case: Case, process: AccessProcess) -> Check:
    app = case.app
    assert app is not None
    text = "Belongs to a sensibly named team, not to a personal account"
    team = app.team_title or app.team
    word = "the gateway" if app.looked_up_at else "the mail"
    if not team and app.looked_up_at and not app.gone:
        return Check(TEAM, text, Standing.FAILS, "the gateway: a personal account", process.guide)
    check = Check(TEAM, text, Standing.OPEN, url=process.guide, tickable=True)
    if not team:
        return _by_tick(case, replace(check, how=f"{word} names no team"))
    if personal := looks_personal(team, app.requester):
        return _by_tick(case, replace(check, how=f"{word}: {team}, but {personal}: please judge"))
    if not app.looked_up_at:
        return _by_tick(case, replace(check, how=f"{word}: {team}"))
    return replace(check, standing=Standing.HOLDS, how=f"{word}: {team}")


def _authorised(case: Case, process: AccessProcess) -> Check:
    app = case.app
    assert app is not None
    text = f"The requester may see personal information ({process.staff})"
    standing = {True: Standing.HOLDS, False: Standing.FAILS, None: Standing.OPEN}[app.authorised]
    return _by_tick(case, Check(AUTHORISED, text, standing, app.authorised_how, tickable=True))


def _by_tick(case: Case, check: Check) -> Check:
    tick = case.tick(check.key)
    if tick is None:
        return check
    word = f"on {tick.by.name}'s word" + (f": {tick.note}" if tick.note else "")
    return replace(check, standing=Standing.HOLDS, how=f"{check.how}; {word}" if check.how else word)


def missing(case: Case, process: AccessProcess) -> list[Check]:
    """Return the checks that do not hold."""
    return [check for check in checks(case, process) if check.standing is not Standing.HOLDS]


def looked_up(case: Case, app: App, at: datetime) -> CaseDecision:
    """Take over what the gateway and the directory say. Their word is worth more than a mail's."""
    if case.app == replace(app, looked_up_at=case.app.looked_up_at if case.app else None):
        return CaseDecision(case)
    return CaseDecision(
        replace(case, app=app, title=app.title[:200]),
        (CaseEntry(at, CaseVerb.LOOKED_UP, None, {"gone": app.gone}),),
        (RefreshCase(case.id),),
    )


def folded(case: Case, into: int, at: datetime) -> CaseDecision:
    """Give a case up that turned out to be another one."""
    entry = CaseEntry(at, CaseVerb.FOLDED, None, {"into": into})
    return told(replace(case, state=CaseState.FOLDED, folded_into=into), entry)


def _undecided(case: Case, by: Person, process: AccessProcess, team: Sequence[Person]) -> Refusal | None:
    if refusal := over(case):
        return refusal
    if not process.may_decide(by, team):
        return Refusal("Only those whom the process names may decide about access.", ask="not_allowed")
    if case.state is CaseState.APPROVED:
        who = case.decided_by.name if case.decided_by else "Somebody"
        return Refusal(f"{who} approved it; it is being carried out.")
    lead = process.lead_of(team)
    if case.state is CaseState.REFERRED and lead is not None and not by.same(lead):
        return Refusal(f"It was referred to {lead.name}, who decides.")
    return None


def tick(
    case: Case, step: str, note: str, by: Person, process: AccessProcess, team: Sequence[Person], *, at: datetime
) -> CaseOutcome:
    """Record somebody's word that a check holds; or that what was approved is done in the console."""
    if refusal := over(case):
        return refusal
    if not process.may_decide(by, team):
        return Refusal("Only those whom the process names may decide about access.", ask="not_allowed")
    if step == APPROVED and case.state is CaseState.APPROVED:
        entry = CaseEntry(at, CaseVerb.CARRIED_OUT, by, {"how": "console"})
        return finish(case, entry, at=at, by=case.decided_by, state=CaseState.DONE)
    check = next((each for each in checks(case, process) if each.key == step), None)
    if check is None or not check.tickable:
        known = ", ".join(each.key for each in checks(case, process) if each.tickable)
        why = f" ({check.how})" if check is not None and check.how else ""
        return Refusal(f"“{step[:40]}” can't be ticked{why}. What can: {known or 'nothing'}.", fields=("step",))
    if case.tick(step) is not None:
        return CaseDecision(case, notice="It is ticked already.")
    changed = replace(case, ticks=(*case.ticks, Tick(step, by, at, note.strip()[:300])))
    data: dict[str, str | int | bool | None] = {"step": check.text, "note": note.strip()[:300] or None}
    return told(changed, CaseEntry(at, CaseVerb.TICKED, by, data))


def approve(
    case: Case, by: Person, process: AccessProcess, team: Sequence[Person], *, gateway: bool, at: datetime
) -> CaseOutcome:
    """Approve, once the checks hold (W128). Some products need a second, different person.

    Args:
        gateway: Whether Wilson carries it out; otherwise a person does, in the console.
    """
    if refusal := _undecided(case, by, process, team):
        return refusal
    if not (case.app and case.app.products):
        return Refusal("Which API products it asks for is not known yet: look at it in the console.")
    if lacks := missing(case, process):
        return Refusal("Not yet: " + "; ".join(each.text for each in lacks) + ".")
    if any(by.same(each.by) for each in case.approvals):
        return CaseDecision(case, notice="You approved it already; a second person must, too.")
    changed = replace(case, approvals=(*case.approvals, Approval(by, at)), trouble="")
    names = ", ".join(each.name for each in case.app.products)
    if needs_second(case, process) and len(changed.approvals) < 2:
        return told(changed, CaseEntry(at, CaseVerb.SECONDED, by, {"products": names}))
    changed = replace(changed, state=CaseState.APPROVED, decided_by=by, decided_at=at)
    also = [CarryOut(case.id)] if gateway else []
    return told(changed, CaseEntry(at, CaseVerb.APPROVED, by, {"products": names}), also=also)


def carried_out(case: Case, app: GatewayApp, at: datetime) -> CaseDecision:
    """Take over what the gateway says after an approval: only what it says is claimed."""
    if case.state is not CaseState.APPROVED or case.app is None:
        return CaseDecision(case)
    products = tuple(replace(each, grant=app.grant(each.name)) for each in case.app.products)
    case = replace(case, app=replace(case.app, products=products, looked_up_at=at))
    not_given = [each for each in products if each.grant is not Grant.APPROVED]
    if not not_given:
        entry = CaseEntry(at, CaseVerb.CARRIED_OUT, case.decided_by, {"how": "gateway"})
        return finish(case, entry, at=at, by=case.decided_by, state=CaseState.DONE)
    if app.status is Grant.REVOKED:
        return failed(case, "the app is revoked, so that nothing can be approved for it", at)
    said = "; ".join(f"{each.name} is {_GRANTS[each.grant]}" for each in not_given)
    return failed(case, f"the gateway says: {said}", at)


_GRANTS = {Grant.REVOKED: "revoked", Grant.PENDING: "still pending", None: "not asked for any more"}


def failed(case: Case, why: str, at: datetime) -> CaseDecision:
    """Say that an approval was not carried out, and why. It can be decided about anew."""
    if case.state is not CaseState.APPROVED:
        return CaseDecision(case)
    by = case.decided_by
    changed = replace(
        case, state=CaseState.OPEN, approvals=(), decided_by=None, decided_at=None, trouble=why[:400],
        waiting_since=at,
    )  # fmt: skip
    return told(changed, CaseEntry(at, CaseVerb.FAILED, None, {"why": why[:400]}), mentions=[by] if by else [])


def ask(case: Case, letter: Letter, process: AccessProcess, team: Sequence[Person], *, at: datetime) -> CaseOutcome:
    """Write to the requester; the case waits for the answer (W121, W123)."""
    if refusal := _undecided(case, letter.by, process, team):
        return refusal
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", letter.to):
        return Refusal("The requester's e-mail address is not known.", fields=("to",))
    for name, text in (("subject", letter.subject), ("body", letter.body)):
        if not text.strip():
            return Refusal(f"The mail needs a {name}.", fields=(name,))
    changed = replace(case, state=CaseState.ASKED, letters=(*case.letters, letter), approvals=())
    entry = CaseEntry(at, CaseVerb.ASKED, letter.by, {"kind": letter.kind, "subject": letter.subject})
    return told(changed, entry, also=[SendLetter(case.id, letter.token)])


def letter_is(case: Case, token: str, state: str) -> Case:
    """Return the case with one of its letters in another state."""
    letters = tuple(
        replace(each, state=state) if each.token == token else each  # type: ignore[arg-type]
        for each in case.letters
    )
    return replace(case, letters=letters)


def mailed(case: Case, token: str, at: datetime) -> CaseDecision:
    """Record that a letter was sent."""
    sent = letter_is(case, token, "sent")
    to = next((each.to for each in case.letters if each.token == token), "")
    return told(sent, CaseEntry(at, CaseVerb.MAILED, None, {"to": to}))


def not_mailed(case: Case, token: str, why: str, at: datetime, *, certain: bool) -> CaseDecision:
    """Say that a letter was not sent, or perhaps not. It is not sent again by itself: nobody wants it twice."""
    held = replace(letter_is(case, token, "unknown"), trouble=f"the mail: {why}"[:400])
    by = next((each.by for each in case.letters if each.token == token), None)
    return told(
        held,
        CaseEntry(at, CaseVerb.NOT_MAILED, None, {"why": why[:400], "certain": certain}),
        mentions=[by] if by else [],
    )


def answered(case: Case, token: str, sender: str, text: str, at: datetime) -> CaseDecision:
    """Let the requester's answer open the decision again."""
    letter = next((each for each in case.letters if each.token == token), None)
    if letter is None:
        return CaseDecision(case)
    other = letter.to.casefold() not in sender.casefold()
    entry = CaseEntry(
        at, CaseVerb.ANSWERED, None, {"from": sender[:200], "text": text[:1500], "other_address": other}
    )
    opened_again = replace(case, state=CaseState.OPEN, waiting_since=at)
    mentions = [case.owner or letter.by]
    if case.state is not CaseState.ASKED:
        return told(case, entry, mentions=mentions)
    return told(opened_again, entry, mentions=mentions, also=[LookUpCase(case.id)])


def refer(
    case: Case, reason: str, by: Person, process: AccessProcess, team: Sequence[Person], *, at: datetime
) -> CaseOutcome:
    """Pass it over to the team lead (W124)."""
    if refusal := _undecided(case, by, process, team):
        return refusal
    if not reason.strip():
        return Refusal("Say why it should be the team lead's decision.", fields=("reason",))
    lead = process.lead_of(team)
    data: dict[str, str | int | bool | None] = {"reason": reason.strip()[:600], "to": lead.name if lead else None}
    changed = replace(case, state=CaseState.REFERRED, approvals=(), waiting_since=at)
    return told(changed, CaseEntry(at, CaseVerb.REFERRED, by, data), mentions=[lead] if lead else [])


def decline(
    case: Case,
    reason: str,
    by: Person,
    process: AccessProcess,
    team: Sequence[Person],
    *,
    gateway: bool,
    at: datetime,
) -> CaseOutcome:
    """Decline, with a reason. The issue is closed with it."""
    refusal = _undecided(case, by, process, team)
    in_console = case.state is CaseState.APPROVED and not gateway and process.may_decide(by, team)
    if refusal is not None and not in_console:
        return refusal
    if not reason.strip():
        return Refusal("Say why it is declined.", fields=("reason",))
    entry = CaseEntry(at, CaseVerb.DECLINED, by, {"reason": reason.strip()[:600]})
    return finish(case, entry, at=at, by=by, state=CaseState.DECLINED, reason=reason.strip()[:600])


def product_of(name: str, title: str = "", gives: str = "", grant: Grant | None = None) -> Product:
    """Return a product as a case holds it."""
    return Product(name[:100], title[:100], gives[:300], grant)
