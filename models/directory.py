"""Where Teams is: installations, channels, people, and which message shows what."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.effects import Effect, LearnTeam
from models.domain.incidents import Incident
from models.domain.people import Person
from models.ports.messenger import ChannelAddress, ThreadAddress
from models.queue import enqueue
from models.sql import Row, reading, writing
from models.store import incident_of, now_ms

INCIDENT, MAIL, DIGEST, CASE = "incident", "mail", "digest", "case"
REVIEW = "review"
SHIFT = "shift"
PRIVATE = "private"
"""The card of an incident of security in the private channel; its public one stays an ``INCIDENT``."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A team that the bot is installed in.

    Attributes:
        devs_channel, gateway_channel, private_channel: The ids of the channels; ``None`` until they are found.
    """

    team_id: str
    tenant_id: str
    service_url: str
    name: str
    devs_channel: str | None
    gateway_channel: str | None
    greeted: bool
    private_channel: str | None = None

    def address(self, channel_id: str) -> ChannelAddress:
        """Return where to post into one of its channels."""
        return ChannelAddress(self.service_url, self.tenant_id, self.team_id, channel_id)


@dataclass(frozen=True, slots=True)
class Card:
    """A posted card: what it shows, and where it is."""

    id: int
    kind: str
    subject: int
    thread: ThreadAddress


async def remember_installation(team_id: str, tenant_id: str, service_url: str, name: str) -> None:
    """Remember that the bot is in a team; its channels are looked up by the outbox."""
    async with writing() as db:
        await db.many(
            "INSERT INTO installations (team_id, tenant_id, service_url, name, removed, greeted)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (team_id) DO UPDATE SET tenant_id = excluded.tenant_id,"
            " service_url = excluded.service_url, name = excluded.name, removed = excluded.removed",
            [(team_id, tenant_id, service_url, name, False, False)],
        )
        await enqueue(db, [LearnTeam(team_id)], now_ms())


async def forget_installation(team_id: str) -> None:
    """Respect that the bot was removed from a team: nothing is posted there any more."""
    statement = "UPDATE installations SET removed = ?, greeted = ? WHERE team_id = ?"
    await reading().run(statement, True, False, team_id)


async def refresh_service_url(team_id: str, service_url: str) -> None:
    """Keep the address under which a team is reached: Microsoft may change it."""
    await reading().run(
        "UPDATE installations SET service_url = ? WHERE team_id = ? AND service_url <> ?",
        service_url,
        team_id,
        service_url,
    )


async def channels_found(team_id: str, devs: str | None, gateway: str | None, private: str | None = None) -> None:
    """Remember which of a team's channels are ours; ``None`` where there is none of that name."""
    await reading().run(
        "UPDATE installations SET devs_channel = ?, gateway_channel = ?, private_channel = ? WHERE team_id = ?",
        devs,
        gateway,
        private,
        team_id,
    )


async def look_for_private_channel() -> None:
    """Have the teams looked through again where the private channel is not known: it may be set since."""
    async with writing() as db:
        missing = [each.team_id for each in await installations() if each.private_channel is None]
        await enqueue(db, [LearnTeam(team_id) for team_id in missing], now_ms())


async def has_private_channel() -> bool:
    """Tell whether there is a place for incidents of security."""
    return any(each.private_channel for each in await installations())


async def greeted(team_id: str, effects: Sequence[Effect] = ()) -> None:
    """Remember that the team was told what the bot does."""
    async with writing() as db:
        await db.run("UPDATE installations SET greeted = ? WHERE team_id = ?", True, team_id)
        await enqueue(db, effects, now_ms())


async def installations() -> list[Installation]:
    """Return the teams that the bot is in."""
    rows = await reading().rows("SELECT * FROM installations WHERE removed = ? ORDER BY team_id", False)
    return [_installation(row) for row in rows]


async def homes() -> frozenset[str]:
    """Return the ids of the teams that have one of our channels, and of these channels."""
    found = set[str]()
    for each in await installations():
        channels = [id_ for id_ in (each.devs_channel, each.gateway_channel, each.private_channel) if id_]
        found.update([each.team_id, *channels] if channels else [])
    return frozenset(found)


def _installation(row: Row) -> Installation:
    return Installation(
        row["team_id"],
        row["tenant_id"],
        row["service_url"],
        row["name"],
        row["devs_channel"],
        row["gateway_channel"],
        bool(row["greeted"]),
        row["private_channel"],
    )


# -- people -----------------------------------------------------------------------------------------------


async def remember_people(people: Sequence[Person]) -> None:
    """Remember people of the team, by their id in Teams."""
    await reading().many(
        "INSERT INTO people (teams_id, person_id, name, username) VALUES (?, ?, ?, ?) ON CONFLICT (teams_id)"
        " DO UPDATE SET person_id = excluded.person_id, name = excluded.name, username = excluded.username",
        [(each.teams_id, each.id, each.name, each.username) for each in people if each.teams_id],
    )


async def people() -> list[Person]:
    """Return everybody who was seen in a team, by name."""
    rows = await reading().rows("SELECT teams_id, person_id, name, username FROM people ORDER BY name, teams_id")
    return [Person(row["person_id"], row["name"], row["teams_id"], row["username"]) for row in rows]


# -- cards ------------------------------------------------------------------------------------------------


async def remember_card(kind: str, subject: int, thread: ThreadAddress) -> None:
    """Remember which message shows what."""
    await reading().many(
        "INSERT INTO cards (kind, subject, service_url, tenant_id, conversation_id, activity_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(kind, subject, thread.service_url, thread.tenant_id, thread.conversation_id, thread.activity_id)],
    )


async def cards_of(kind: str, subject: int) -> list[Card]:
    """Return the messages that show something, the first posted first; more than one are twins."""
    rows = await reading().rows("SELECT * FROM cards WHERE kind = ? AND subject = ? ORDER BY id", kind, subject)
    return [_card(row) for row in rows]


async def card_of_activity(activity_id: str, conversation_id: str) -> Card | None:
    """Return what a message shows, by its id or by the thread that it started."""
    rows = await reading().rows(
        "SELECT * FROM cards WHERE activity_id = ? OR conversation_id = ? ORDER BY id DESC LIMIT 1",
        activity_id,
        conversation_id,
    )
    return _card(rows[0]) if rows else None


# Two looks into two indexes: with an OR, SQLite goes through every card of these kinds instead.
_SHOWN = """
SELECT i.id, i.version, i.body, c.kind FROM (
    SELECT id, kind, subject FROM cards WHERE activity_id = ?
    UNION ALL SELECT id, kind, subject FROM cards WHERE conversation_id = ?
) AS c JOIN incidents AS i ON i.id = c.subject AND c.kind IN ('incident', 'private')
ORDER BY c.id DESC LIMIT 1
"""


async def incident_shown(activity_id: str, conversation_id: str) -> tuple[Incident, bool] | None:
    """Return the incident that a message shows, in one look; ``None`` where it shows none.

    Returns:
        The incident, and whether the message stands in the private channel.
    """
    rows = await reading().rows(_SHOWN, activity_id, conversation_id)
    return (incident_of(rows[0]), rows[0]["kind"] == PRIVATE) if rows else None


def _card(row: Row) -> Card:
    thread = ThreadAddress(row["service_url"], row["tenant_id"], row["conversation_id"], row["activity_id"])
    return Card(row["id"], row["kind"], row["subject"], thread)


# -- single facts -----------------------------------------------------------------------------------------


async def fact(key: str) -> str | None:
    """Return a single fact, or ``None``."""
    rows = await reading().rows("SELECT value FROM facts WHERE key = ?", key)
    return rows[0]["value"] if rows else None


async def remember_fact(key: str, value: str) -> None:
    """Remember a single fact."""
    await reading().many(
        "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, value)],
    )


def call_of(incident_id: int) -> str:
    """Return the name of the fact that holds the number of the support call's case that became an incident."""
    return f"call-of:{incident_id}"


async def facts(prefix: str) -> dict[str, str]:
    """Return the facts whose keys begin so."""
    statement = "SELECT key, value FROM facts WHERE key >= ? AND key < ?"
    rows = await reading().rows(statement, prefix, f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}")
    return {row["key"]: row["value"] for row in rows if row["key"].startswith(prefix)}


async def forget_fact(key: str) -> None:
    """Forget a single fact."""
    await reading().run("DELETE FROM facts WHERE key = ?", key)


async def first_fact(key: str, value: str) -> str:
    """Remember a single fact unless it is remembered already. Returns what is remembered."""
    await reading().many(
        "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", [(key, value)]
    )
    return await fact(key) or value


async def instance() -> str:
    """Return this database's own name, which markers at other systems begin with."""
    return await first_fact("instance", uuid.uuid4().hex)


async def maybe_twin(subject: int | str) -> None:
    """Note that a card may stand in the channel twice: the answer to a first post was lost.

    Args:
        subject: An incident's number, or ``case:`` and a case's.
    """
    await remember_fact(f"twin:{subject}", "1")


async def take_twin(subject: int | str) -> bool:
    """Tell whether a twin was noted, and forget the note: it is good for one unknown card."""
    return bool(await reading().run("DELETE FROM facts WHERE key = ?", f"twin:{subject}"))
