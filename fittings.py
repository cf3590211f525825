"""Which adapter stands behind which port, by the settings; a setting that is missing or wrong is told.

Only this file, ``mailroom`` and the command line know adapters and mailboxes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from urllib.parse import urlsplit

from bot.adapters.addresses import is_loopback
from bot.adapters.apigee import ApigeeGateway
from bot.adapters.connector import TeamsMessenger
from bot.adapters.console import ConsoleMessenger
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.gitlab_changes import GitLabChanges, NoChanges
from bot.adapters.graph_channels import GraphChannels, NoChannels
from bot.adapters.graph_people import GraphPeople, NoPeople
from bot.adapters.halo import HaloDesk, NoDesk
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.pager import PAGERDUTY, NoPager, PagerDuty, WebhookPager
from bot.adapters.rota_file import FileRota, NoRota
from bot.adapters.rota_gitlab import GitLabRota
from bot.adapters.rota_ical import IcalRota
from bot.adapters.status_page import NoPage, Statuspage, WebhookPage
from bot.adapters.tokens import directory_registration
from bot.adapters.unconfigured import NoGateway
from models.domain.process import Process
from models.domain.process_reader import ProcessError
from models.ports.changes import ChangeSource
from models.ports.channels import ChannelMaker
from models.ports.gateway import ApiGateway
from models.ports.messenger import Messenger
from models.ports.pager import Pager
from models.ports.people_directory import PeopleDirectory
from models.ports.rota import RotaSource
from models.ports.service_desk import ServiceDesk
from models.ports.status_page import StatusPage
from models.ports.tracker import IssueTracker
from models.process_file import read_process_text
from models.settings import Settings, SettingsError


def process_of(settings: Settings) -> Process:
    """Read the team's process.

    Raises:
        SettingsError: There is none of that name, or its file does not hold what a process needs.
    """
    path = settings.process.path
    try:
        if path is not None:
            return read_process_text(path.read_text(encoding="utf-8"), str(path))
        shipped = resources.files("models.processes") / f"{settings.process.name}.toml"
        return read_process_text(shipped.read_text(encoding="utf-8"), shipped.name)
    except FileNotFoundError:
        known = sorted(each.name.removesuffix(".toml") for each in resources.files("models.processes").iterdir())
        names = ", ".join(name for name in known if not name.startswith("_"))
        held = repr(str(path)) if path else repr(settings.process.name)
        raise SettingsError(f"process: there is no process {held}; shipped are: {names}") from None
    except ProcessError as error:
        more = len(error.mistakes) - 1
        rest = f" (and {more} more: wilson process check tells them all)" if more else ""
        raise SettingsError(f"process: {error.mistakes[0]}{rest}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"process: {error}") from None


def tracker_of(settings: Settings) -> IssueTracker:
    """Return the issue tracker of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    tracker = settings.tracker
    if tracker.kind == "local":
        return LocalTracker(tracker.path, tracker.project, lambda: datetime.now(UTC))
    _check_gitlab(settings)
    return GitLabTracker(tracker, lambda: datetime.now(UTC), _labels(process_of(settings)))


def _check_gitlab(settings: Settings) -> None:
    tracker = settings.tracker
    _check_address("tracker.url", tracker.url, "GitLab's address, such as https://gitlab.com")
    if not tracker.token.get_secret_value():
        raise SettingsError("tracker.token is missing; it needs an access token with the scope api")
    if not tracker.project:
        raise SettingsError("tracker.project is missing; it needs the project's path, such as iam/admin")


def _labels(process: Process) -> list[str]:
    kinds = [label for kind in process.follow_ups for label in kind.labels]
    used = (
        *process.incident_labels,
        *process.review_labels,
        *process.closed_labels,
        *process.follow_up_labels,
        *kinds,
    )
    return list(dict.fromkeys(used))


def desk_of(settings: Settings) -> ServiceDesk:
    """Return the service desk of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    halo = settings.halo
    if halo.kind == "none":
        return NoDesk()
    needs = "the desk's address, such as https://example.haloitsm.com, without /api"
    _check_address("halo.base_url", halo.base_url, needs)
    if urlsplit(halo.base_url).path.rstrip("/").lower().endswith("/api"):
        raise SettingsError(f"halo.base_url holds {halo.base_url!r}; it needs {needs}")
    if not halo.client_id:
        raise SettingsError("halo.client_id is missing; it needs that of an application of the desk")
    if not halo.client_secret.get_secret_value():
        raise SettingsError("halo.client_secret is missing; it needs that of the desk's application")
    return HaloDesk(halo, lambda: datetime.now(UTC))


def people_of(settings: Settings) -> PeopleDirectory:
    """Return the directory of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    held = settings.directory
    if held.kind == "none":
        return NoPeople()
    registration = directory_registration(held, settings.teams)
    if held.base_url:
        _check_address("directory.base_url", held.base_url, "Graph's address, or nothing for Microsoft's own")
    _check_address("directory.login_url", registration.login_url, "the address at which the application signs in")
    for name, given in (("client_id", registration.client_id), ("tenant_id", registration.tenant_id)):
        if not given:
            raise SettingsError(f"directory.{name} is missing, and so is that of [teams]; it needs one in Entra")
    if not registration.complete:
        raise SettingsError(
            "directory.client_secret is missing; directory.client_id needs it, a certificate or managed_identity"
        )
    return GraphPeople(held.base_url, registration, lambda: datetime.now(UTC))


def channels_of(settings: Settings) -> ChannelMaker:
    """Return what makes channels, by the sign-in of the directory.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    if not settings.teams.group_id:
        return NoChannels()
    registration = directory_registration(settings.directory, settings.teams)
    if not registration.complete:
        raise SettingsError(
            "teams.group_id is set without a way to sign in; it needs the secret of [teams] or [directory]"
        )
    if settings.directory.base_url:
        _check_address("directory.base_url", settings.directory.base_url, "Graph's address, or nothing")
    return GraphChannels(
        settings.directory.base_url, registration, settings.teams.group_id, lambda: datetime.now(UTC)
    )


def changes_of(settings: Settings) -> ChangeSource:
    """Return where changes before an incident are looked for.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    projects = process_of(settings).changes.projects
    if not projects:
        return NoChanges()
    if settings.tracker.kind != "gitlab":
        held = settings.tracker.kind
        return NoChanges(f"[changes] of the process names projects of GitLab, and tracker.kind holds {held!r}")
    _check_gitlab(settings)
    return GitLabChanges(settings.tracker, projects, lambda: datetime.now(UTC))


def page_of(settings: Settings) -> StatusPage:
    """Return the status page of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    page = settings.status_page
    if page.kind == "none":
        return NoPage()
    if page.kind == "webhook":
        _check_address("status_page.url", page.url.get_secret_value(), "the webhook's address", query=True)
        return WebhookPage(page, lambda: datetime.now(UTC))
    _check_address("status_page.base_url", page.base_url, "Statuspage's address")
    if not page.page_id:
        raise SettingsError("status_page.page_id is missing; it needs the id of your page, from its address")
    if not page.api_key.get_secret_value():
        raise SettingsError("status_page.api_key is missing; it needs a key of an account that manages the page")
    return Statuspage(page, lambda: datetime.now(UTC))


def pager_of(settings: Settings) -> Pager:
    """Return the system that pages people, of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    paging = settings.paging
    url = paging.url.get_secret_value()
    if paging.kind == "none":
        return NoPager()
    if paging.kind == "webhook":
        _check_address("paging.url", url, "the webhook's address", query=True)
        return WebhookPager(paging, lambda: datetime.now(UTC))
    _check_address("paging.url", url or PAGERDUTY, f"PagerDuty's address, or nothing for {PAGERDUTY}")
    if not paging.routing_key.get_secret_value():
        raise SettingsError("paging.routing_key is missing; it needs an integration key of a service in PagerDuty")
    return PagerDuty(paging, lambda: datetime.now(UTC))


def gateway_of(settings: Settings) -> ApiGateway:
    """Return the API gateway of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    apigee = settings.apigee
    if apigee.kind == "none":
        return NoGateway(apigee.organization)
    if not apigee.organization:
        raise SettingsError("apigee.organization is missing; it needs the name of the organisation in Apigee")
    _check_address("apigee.base_url", apigee.base_url, "Google's address, or a stand-in's on this machine")
    return ApigeeGateway(apigee)


def _check_address(setting: str, held: str, needs: str, *, query: bool = False) -> None:
    try:
        url = urlsplit(held)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if (
        not host
        or url.scheme not in ("http", "https")
        or "@" in url.netloc
        or (url.query and not query)
        or url.fragment
    ):
        raise SettingsError(f"{setting} is missing or wrong; it needs {needs}")
    if url.scheme == "http" and not is_loopback(host):
        raise SettingsError(f"{setting} holds an address without TLS; it needs one that starts with https://")


def rota_of(settings: Settings) -> RotaSource:
    """Return the rota of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    rota = settings.rota
    if rota.kind == "none":
        return NoRota()
    if rota.kind == "file":
        return FileRota(rota.path, rota.timezone)
    if rota.kind == "ical":
        _check_address("rota.url", rota.url, "the calendar's address", query=True)
        return IcalRota(rota.url, rota.timezone)
    if settings.tracker.kind != "gitlab":
        raise SettingsError(
            f"rota.kind holds 'gitlab', whose schedules are the tracker's; it needs tracker.kind = \"gitlab\", "
            f"which holds {settings.tracker.kind!r}"
        )
    _check_gitlab(settings)
    return GitLabRota(settings.tracker, rota.schedule, lambda: datetime.now(UTC))


def messenger_of(settings: Settings) -> Messenger:
    """Return the messenger of the settings."""
    if settings.teams.messenger == "console":
        teams = settings.teams
        return ConsoleMessenger(teams.devs_channel, teams.gateway_channel, private=teams.private_channel)
    return TeamsMessenger(settings.teams)


def check_teams(settings: Settings) -> None:
    """Refuse to start a bot that anybody could speak to, or that could not speak itself.

    Raises:
        SettingsError: A setting is missing.
    """
    teams = settings.teams
    if teams.auth == "disabled" or teams.messenger == "console":
        return
    if not teams.app_id:
        raise SettingsError("teams.app_id is missing; it needs the bot's application id in Entra")
    if not teams.tenants:
        raise SettingsError(
            "teams.tenant_id is missing; it needs the id of your tenant, the only one that is let in"
        )
    if not (teams.app_password.get_secret_value() or teams.certificate or teams.managed_identity):
        raise SettingsError(
            "teams.app_password is missing; the bot needs it, teams.certificate or managed_identity"
        )
