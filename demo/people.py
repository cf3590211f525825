"""Who is in the demo's team. The Playground asks for at least five people beside the one who is looking."""

from __future__ import annotations

from dataclasses import dataclass

TENANT_ID = "00000000-0000-0000-0000-0000000000d1"
BOT_ID = "00000000-0000-0000-0000-0000000000b0"
BOT_NAME = "Wilson"
TEAM_ID = "19:team-wilson@thread.tacv2"
TEAM_NAME = "Wilson"
DEVS_CHANNEL_ID = "19:wilson-devs@thread.tacv2"
DEVS_CHANNEL = "Wilson - Devs"
GENERAL_CHANNEL = "General"


@dataclass(frozen=True, slots=True)
class Teammate:
    """One person of the demo's team, as the Playground knows people."""

    given_name: str
    surname: str
    number: int

    @property
    def name(self) -> str:
        """What cards and messages call them."""
        return f"{self.given_name} {self.surname}"

    @property
    def id(self) -> str:
        """Their id in conversations."""
        return f"29:{self.given_name.lower()}"

    @property
    def aad_object_id(self) -> str:
        """Their id in the directory."""
        return f"00000000-0000-0000-0000-{self.number:012d}"

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.given_name.lower()}@example.com"


VIEWER = Teammate("Robin", "Achterberg", 1)
"""Whoever sits at the browser."""

TEAMMATES = (
    Teammate("Sana", "Iqbal", 2),
    Teammate("Jonas", "Lindqvist", 3),
    Teammate("Ngozi", "Okafor", 4),
    Teammate("Mateo", "Ferrer", 5),
    Teammate("Keiko", "Morita", 6),
)
