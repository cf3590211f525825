"""The bot's parts put together, with stand-ins where a test says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.activities import Activities
from bot.adapters.gitlab_changes import NoChanges
from bot.adapters.graph_channels import NoChannels
from bot.adapters.graph_people import NoPeople
from bot.adapters.halo import NoDesk
from bot.adapters.pager import NoPager
from bot.adapters.status_page import NoPage
from bot.adapters.unconfigured import NoGateway
from bot.case_clicks import CaseClicks
from bot.case_deliveries import CaseDeliveries
from bot.case_letters import Letters
from bot.case_lookup import Lookup
from bot.case_speech import CaseSpeech
from bot.case_surroundings import CaseSurroundings
from bot.clicks import Clicks
from bot.deliveries import Deliveries
from bot.pacing import Pacer
from bot.posting import Channels, Poster
from bot.speech import Speech
from bot.surroundings import Surroundings
from models.ports.changes import ChangeSource
from models.ports.channels import ChannelMaker
from models.ports.gateway import ApiGateway
from models.ports.messenger import Messenger
from models.ports.pager import Pager
from models.ports.people_directory import PeopleDirectory
from models.ports.service_desk import ServiceDesk
from models.ports.status_page import StatusPage
from models.ports.tracker import IssueTracker

SENDER = "alerts@identity.example.ac.uk"


def clicks_of(around: Surroundings, gateway: ApiGateway | None = None) -> Clicks:
    """Return what answers buttons."""
    cases = CaseSurroundings(around, gateway or NoGateway())
    return Clicks(around, CaseClicks(cases, NoDesk()), lambda: None)


def speech_of(around: Surroundings, gateway: ApiGateway | None = None) -> Speech:
    """Return what answers commands."""
    return Speech(around, CaseSpeech(CaseSurroundings(around, gateway or NoGateway()), NoDesk()), lambda: None)


def activities_of(around: Surroundings) -> Activities:
    """Return what answers Teams."""
    return Activities(clicks_of(around), speech_of(around))


def deliveries_of(
    messenger: Messenger,
    tracker: IssueTracker,
    around: Surroundings,
    channels: Channels,
    pacer: Pacer,
    *,
    gateway: ApiGateway | None = None,
    desk: ServiceDesk | None = None,
    people: PeopleDirectory | None = None,
    send: Callable[[bytes], Awaitable[None]] | None = None,
    page: StatusPage | None = None,
    new_channels: ChannelMaker | None = None,
    changes: ChangeSource | None = None,
    pager: Pager | None = None,
) -> Deliveries:
    """Return what delivers."""
    poster, gateway, desk = Poster(messenger, channels, pacer), gateway or NoGateway(), desk or NoDesk()
    lookup = Lookup(gateway, desk, people or NoPeople())
    letters = Letters(send, SENDER, "Team Wilson")
    cases = CaseDeliveries(poster, tracker, CaseSurroundings(around, gateway), lookup, desk, letters)
    page, maker = page or NoPage(), new_channels or NoChannels()
    changes = changes or NoChanges()
    return Deliveries(
        poster,
        tracker,
        around,
        cases,
        template="Incident",
        page=page,
        new_channels=maker,
        changes=changes,
        pager=pager or NoPager(),
    )
