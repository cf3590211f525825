"""To whom an incident of security is reported, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.domain.people import Person
from models.domain.process_reader import Reader


@dataclass(frozen=True, slots=True)
class Security:
    """To whom an incident of security is reported.

    Attributes:
        name: Who it is, or their office.
        contact: How they are reached; a mail address gets a mail.
        url: Their page; empty for none.
        person: Who they are in the team: an object id, a login or a name; empty where they are not in it.
        report_url: Where it is reported besides; empty for nowhere.
        text: What whoever marks it must know.
        questions: Keys of the process's questions; a yes to one says that it is a matter of security.
    """

    name: str = ""
    contact: str = ""
    url: str = ""
    person: str = ""
    report_url: str = ""
    text: str = ""
    questions: tuple[str, ...] = ()

    def asks_for(self, answers: Mapping[str, object]) -> bool:
        """Tell whether answers say that it is a matter of security."""
        return any(answers.get(each) is True for each in self.questions)

    def head_of(self, team: Sequence[Person]) -> Person | None:
        """Return whom to report to as the team knows them; ``None`` where they are not in it."""
        wanted = self.person.casefold()
        for each in team:
            if wanted and wanted in (each.id.casefold(), each.username.casefold(), each.name.casefold()):
                return each
        return None

    @property
    def mail_address(self) -> str:
        """Where a mail reaches them; empty where the contact is something else."""
        local, at, domain = self.contact.strip().rpartition("@")
        fits = local and at and "." in domain and not any(each.isspace() or each in "<>,;" for each in self.contact)
        return self.contact.strip() if fits else ""


def read_security(reader: Reader, questions: Sequence[str]) -> Security:
    """Read ``[security]``.

    Args:
        questions: The keys of the process's questions that take yes or no; none where they are not known.

    Raises:
        ProcessError: An entry does not fit.
    """
    head = reader.table("head") if reader.has("head") else Reader({}, reader.where, mistakes=reader.mistakes)
    made = Security(
        head.text("name", ""),
        head.text("contact", ""),
        head.text("url", ""),
        head.text("person", ""),
        reader.text("report_url", ""),
        reader.text("text", ""),
        reader.texts("questions"),
    )
    for each in made.questions:
        if each not in questions and questions:
            reader.wrong(f"questions holds {each!r}; it needs some of {', '.join(questions)}")
    for place, key, url in ((head, "url", made.url), (reader, "report_url", made.report_url)):
        if url and not url.startswith("https://"):
            place.wrong(f"{key} holds {url!r}; it needs an address that starts with https://")
    head.done()
    reader.done()
    return made
