"""To whom an incident of security is reported, as data."""

from __future__ import annotations

from collections.abc import Sequence
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
    """

    name: str = ""
    contact: str = ""
    url: str = ""
    person: str = ""
    report_url: str = ""
    text: str = ""

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


def read_security(reader: Reader) -> Security:
    """Read ``[security]``.

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
    )
    for place, key, url in ((head, "url", made.url), (reader, "report_url", made.report_url)):
        if url and not url.startswith("https://"):
            place.wrong(f"{key} holds {url!r}; it needs an address that starts with https://")
    head.done()
    reader.done()
    return made
