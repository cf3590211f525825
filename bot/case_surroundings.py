"""What handling a case needs besides the case."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.surroundings import Surroundings
from models import cases as rows
from models.domain.case_requests import Setting
from models.domain.cases import Case
from models.domain.people import Person
from models.domain.views import CaseView
from models.ports.gateway import ApiGateway


@dataclass(frozen=True, slots=True)
class CaseSurroundings:
    """The team, its procedures, and whether Wilson reaches the gateway itself."""

    around: Surroundings
    gateway: ApiGateway

    @property
    def setting(self) -> Setting:
        """What decisions go by."""
        process, team = self.around.process, self.around.team
        lead = process.reminders.lead_of(team) or process.procedures.access.lead_of(team)
        return Setting(process.procedures, team, self.gateway.configured, lead=lead)

    def view(self, case: Case, viewer: Person | None = None, *, notice: str = "") -> CaseView:
        """Return what a card shows of a case."""
        url = ""
        if case.app is not None:
            url = case.app.console_url or self.gateway.console_url(case.app.app_id, case.app.team)
        procedures, around = self.around.process.procedures, self.around
        return CaseView(
            case, procedures, around.team, around.on_call, viewer, self.gateway.configured, url, notice=notice
        )

    async def view_for_sharing(self, case: Case, viewer: Person) -> CaseView:
        """Return the view with the cases whose issue could serve this one, too."""
        return replace(self.view(case, viewer), others=tuple(await self.shareable(case.id)))

    async def shareable(self, other_than: int) -> list[tuple[int, str]]:
        """Return the unfinished cases that have an issue of their own, newest first: number and title."""
        found = [
            (each.id, each.title)
            for each in await rows.unfinished()
            if each.id != other_than and each.owner is not None and each.shares is None and not each.is_call
        ]
        return found[::-1]
