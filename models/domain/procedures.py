"""A team's procedures for requests as data: access to the API gateway, and support procedures (W101-W130)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal

from models.domain.call_process import CallProcess
from models.domain.people import Person
from models.domain.process_reader import Reader, each_its_own

RESERVED = ("access", "call", "list")
STEP_TIMES = (timedelta(), timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""When people are reminded of a step that is due, where the process does not say it otherwise."""


@dataclass(frozen=True, slots=True)
class PermissionList:
    """A list that an app must be added to, and deployed, before it can use a product (W125-W127).

    Attributes:
        name: For example ``CARD_READER``.
        readme: Where it says how; empty where nowhere.
    """

    name: str
    readme: str = ""


@dataclass(frozen=True, slots=True)
class ProductRule:
    """What the team says about API products.

    Attributes:
        products: Patterns of their names and titles, with ``*`` and ``?``, whatever the case.
        gives: What they give access to, in words.
        personal_information: Whether only authorised staff may ask for them (W122).
        second_person: Whether two people must approve.
        lists: Permission lists that must be deployed.
    """

    products: tuple[str, ...]
    gives: str = ""
    personal_information: bool = False
    second_person: bool = False
    lists: tuple[PermissionList, ...] = ()

    def speaks_of(self, product: str) -> bool:
        """Tell whether the rule speaks of a product, by its name or its title."""
        name = product.casefold()
        return any(fnmatchcase(name, pattern.casefold()) for pattern in self.products)


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail in the team's words. ``{app}``, ``{products}``, ``{team}`` and ``{guide}`` are filled in."""

    subject: str
    body: str

    def filled(self, words: dict[str, str]) -> Draft:
        """Return the draft with its words; what is in braces and unknown stays as it is."""
        subject, body = self.subject, self.body
        for name, value in words.items():
            subject, body = subject.replace(f"{{{name}}}", value), body.replace(f"{{{name}}}", value)
        return Draft(" ".join(subject.split())[:200], body)


@dataclass(frozen=True, slots=True)
class AccessProcess:
    """How the team decides about access to the API gateway.

    Attributes:
        approvers: Object ids of those who may decide; empty for everyone of the team.
        lead: The team lead: an object id, a login or a name; empty where nobody is named.
        labels: Of the issue that is raised (W118).
        guide: Where requesters read what their app needs (W120).
        staff_groups: Groups of the directory whose members are authorised for personal information (W122).
        staff: How people call them.
        remind_after: How long after it began to wait an undecided request is reminded of: whoever is on call, then
            those who may decide, then the team lead.
        ask_team, ask_why: The two mails (W121, W123).
        rules: The first that speaks of a product counts.
    """

    approvers: tuple[str, ...] = ()
    lead: str = ""
    labels: tuple[str, ...] = ("issuetype::Support", "team::Identity")
    guide: str = ""
    staff_groups: tuple[str, ...] = ()
    staff: str = "IT or computer officer staff"
    remind_after: tuple[timedelta, ...] = (timedelta(hours=4), timedelta(hours=24))
    ask_team: Draft = Draft(
        "Your app {app} and the API gateway",
        "Hello,\n\nyour app {app} asks for {products}. We approve apps that belong to a sensibly named team, and"
        " not to a personal account.\n\nPlease create a team, move the app to it, and answer this mail.\n{guide}\n",
    )
    ask_why: Draft = Draft(
        "Why does your app {app} need {products}?",
        "Hello,\n\nyour app {app} asks for {products}, which gives access to personal information.\n\nPlease tell"
        " us, by answering this mail, what you need it for and who is responsible for it.\n",
    )
    rules: tuple[ProductRule, ...] = ()

    def may_decide(self, person: Person, team: Sequence[Person]) -> bool:
        """Tell whether somebody may decide: who is named, or anybody of the team where nobody is named."""
        if self.approvers:
            return bool(person.id) and person.id.lower() in {each.lower() for each in self.approvers}
        return any(person.same(each) for each in team)

    def rule(self, *names: str) -> ProductRule | None:
        """Return the rule about a product that goes by these names."""
        return next((rule for rule in self.rules if any(name and rule.speaks_of(name) for name in names)), None)

    def lead_of(self, team: Sequence[Person]) -> Person | None:
        """Return the team lead as the team knows them."""
        wanted = self.lead.casefold()
        named = [each for each in team if wanted and wanted in (each.id.casefold(), each.username.casefold())]
        named += [each for each in team if wanted and wanted == each.name.casefold()]
        return named[0] if named else None


FieldKind = Literal["text", "call", "logins", "url", "choice"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that the form of a procedure asks.

    Attributes:
        kind: ``call`` is a support call's number or address, ``logins`` a list of user names.
    """

    key: str
    label: str
    kind: FieldKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a procedure.

    Attributes:
        text: What is to be done.
        url: Where it says how; empty where nowhere.
        after: How long after the step before it is due: people are reminded then.
        draft: A text to copy; ``{due}`` stands for the day on which the next step is due.
        groups: Groups of the directory, one of which the requester must be in.
        unknown: Whom to reach where the requester is not known.
    """

    key: str
    text: str
    url: str = ""
    after: timedelta = timedelta()
    draft: str = ""
    groups: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """A standard support procedure.

    Attributes:
        key: What people type: ``support drive``.
        remind_after: How long after a step fell due people are reminded of it: whoever has it and is on call, then
            the team, then the team lead.
        urgent: Whether its reminders can't wait for working hours.
    """

    key: str
    name: str
    about: str
    fields: tuple[Field, ...]
    steps: tuple[Step, ...]
    labels: tuple[str, ...] = ("issuetype::Support", "team::Identity")
    remind_after: tuple[timedelta, ...] = STEP_TIMES
    urgent: bool = False

    def step(self, key: str) -> Step | None:
        """Return the step of that key."""
        return next((step for step in self.steps if step.key == key), None)


@dataclass(frozen=True, slots=True)
class Procedures:
    """All procedures of a team."""

    access: AccessProcess = field(default_factory=AccessProcess)
    support: tuple[Procedure, ...] = ()
    calls: CallProcess = field(default_factory=CallProcess)

    def of(self, key: str) -> Procedure | None:
        """Return the support procedure of that key."""
        return next((each for each in self.support if each.key == key), None)


_DEFAULTS = AccessProcess()


def read_access(reader: Reader) -> AccessProcess:
    """Read ``[access]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    process = AccessProcess(
        approvers=reader.texts("approvers"),
        lead=reader.text("lead", ""),
        labels=reader.texts("labels") or _DEFAULTS.labels,
        guide=_https(reader, "guide"),
        staff_groups=reader.texts("staff_groups"),
        staff=reader.text("staff", _DEFAULTS.staff),
        remind_after=reader.hours("remind_after_hours", _DEFAULTS.remind_after),
        ask_team=_draft(reader, "ask_team", _DEFAULTS.ask_team),
        ask_why=_draft(reader, "ask_why", _DEFAULTS.ask_why),
        rules=tuple(_rule(each) for each in reader.optional_tables("products")),
    )
    reader.done()
    return process


_FILLED_IN = ("app", "products", "team", "guide")


def _draft(reader: Reader, key: str, default: Draft) -> Draft:
    if not reader.has(key):
        return default
    table = reader.table(key)
    draft = Draft(table.template("subject", _FILLED_IN), table.template("body", _FILLED_IN))
    table.done()
    return draft


def _rule(reader: Reader) -> ProductRule:
    products = reader.texts("products")
    if not products:
        reader.wrong('products is missing; it needs patterns of names, such as ["*card*"]')
    lists = []
    for each in reader.optional_tables("lists"):
        lists.append(PermissionList(each.text("name"), _https(each, "readme")))
        each.done()
    rule = ProductRule(
        products,
        reader.text("gives", ""),
        reader.flag("personal_information", default=False),
        reader.flag("second_person", default=False),
        tuple(lists),
    )
    reader.done()
    return rule


def _https(reader: Reader, key: str) -> str:
    value = reader.text(key, "")
    if value and not re.fullmatch(r"https://\S+", value):
        reader.wrong(f"{key} holds {value!r}; it needs an address that starts with https://")
    return value


def read_support(readers: Sequence[Reader]) -> tuple[Procedure, ...]:
    """Read ``[[support]]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    found = tuple(_procedure(each) for each in readers)
    each_its_own(readers, [each.key for each in found])
    for reader, procedure in zip(readers, found, strict=True):
        if procedure.key in RESERVED:
            reader.wrong(f"key holds {procedure.key!r}, which stands for something else; choose another")
    return found


def _procedure(reader: Reader) -> Procedure:
    fields, steps = reader.optional_tables("fields"), reader.tables("steps")
    procedure = Procedure(
        reader.key(),
        reader.text("name"),
        reader.text("about", ""),
        tuple(_field(each) for each in fields),
        tuple(_step(each) for each in steps),
        reader.texts("labels") or _DEFAULTS.labels,
        reader.hours("remind_after_hours", STEP_TIMES, at_once=True),
        reader.flag("urgent", default=False),
    )
    reader.done()
    each_its_own(fields, [each.key for each in procedure.fields])
    each_its_own(steps, [each.key for each in procedure.steps])
    return procedure


def _field(reader: Reader) -> Field:
    kind: FieldKind = "text"
    if reader.has("kind"):
        kind = reader.one_of("kind", ("text", "call", "logins", "url", "choice"))
    key, label, choices = reader.key(), reader.text("label"), reader.texts("choices")
    made = Field(key, label, kind, reader.flag("required", default=True), choices)
    if (kind == "choice") != bool(choices):
        reader.wrong('choices goes with kind = "choice", and kind = "choice" with choices')
    reader.done()
    return made


def _step(reader: Reader) -> Step:
    after = reader.number("after_days", 400) if reader.has("after_days") else 0
    step = Step(
        reader.key(),
        reader.text("text"),
        _https(reader, "url"),
        timedelta(days=after),
        reader.template("draft", ["due"], ""),
        reader.texts("groups"),
        reader.text("unknown", ""),
    )
    reader.done()
    return step
