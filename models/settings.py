"""Everything that can be set from outside, in its sections. ``settings_file`` reads it."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)


class SettingsError(Exception):
    """A setting is missing or wrong. The text is one line: which, what it held, what it needs."""


def _as_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Numbers = Annotated[tuple[int, ...], BeforeValidator(_as_list)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Database(_Section):
    """Where Wilson keeps its own record."""

    url: str = Field(default="sqlite://var/wilson.db", pattern=r"^(sqlite|postgres)://.+")


class Web(_Section):
    """The bot's own web server."""

    host: str = "127.0.0.1"
    port: int = Field(default=3978, ge=0, le=65535)
    public_url: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class Teams(_Section):
    """The bot's registration, and the channels that it posts to.

    Attributes:
        auth: ``disabled`` lets anybody on this machine speak as anybody: the demo's setting.
        allowed_tenants: Tenants whose people may speak to the bot; by default ``tenant_id`` alone.
        allowed_service_hosts: Hosts that a service address may have, besides Microsoft's own.
        devs_channel, gateway_channel: A channel's name or its id (``19:…@thread.tacv2``).
        private_channel: The same, for incidents of security; empty for none. Its members are who may read them.
        group_id: The team's id in Entra; where it is set, ``channel`` makes channels through Graph.
        messenger: ``console`` prints each card instead of posting it.
    """

    app_id: str = ""
    app_password: SecretStr = SecretStr("")
    certificate: str = ""
    managed_identity: bool = False
    tenant_id: str = ""
    app_type: Literal["SingleTenant", "UserAssignedMSI"] = "SingleTenant"
    auth: Literal["required", "disabled"] = "required"
    allowed_tenants: Names = ()
    allowed_service_hosts: Names = ()
    devs_channel: str = "Wilson - Devs"
    gateway_channel: str = "API Gateway - Notifications"
    private_channel: str = ""
    group_id: str = ""
    openid_metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    login_url: str = "https://login.microsoftonline.com"
    messenger: Literal["teams", "console"] = "teams"

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants whose people may speak to the bot, in lower case."""
        return frozenset(tenant.lower() for tenant in self.allowed_tenants or (self.tenant_id,) if tenant)


class Mailbox(_Section):
    """Where alert mail arrives.

    Attributes:
        server: IMAP: ``host`` or ``host:port``. Exchange: the host, where autodiscover does not find it.
        tls: IMAP and SMTP. ``none`` only to a server on this machine.
        auth: How to sign in. ``oauth`` uses ``tenant_id``, ``client_id`` and a secret or certificate.
        access: Exchange: how the account opens the mailbox.
        smtp_server: IMAP only has no way to send; ``host`` or ``host:port``, empty where Wilson sends nothing.
        since: What the first start reads: ``now`` (mail that arrives from then on), ``all``, or a date or time
            (ISO 8601). Empty: ``all`` for a folder, ``now`` for the others.
        base_url, login_url: For other clouds, and for tests.
        require_authenticated: An alert whose sender our mail server did not confirm waits for a person.
        trusted_domains: Whose alerts are believed, where any are named: of the sources' senders, of mailing lists,
            of colleagues who forward. An alert from elsewhere waits for a person.
        away_minutes: A mailbox that could not be read for so long is told in the channel.
        silent_hours: So is one that nothing arrived in for so long; 0 for never.
    """

    kind: Literal["none", "folder", "exchange", "graph", "imap"] = "folder"
    path: Path = Path("var/mail")
    address: str = ""
    server: str = ""
    ews_url: str = ""
    base_url: str = ""
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    certificate: str = ""
    managed_identity: bool = False
    login_url: str = "https://login.microsoftonline.com"
    username: str = ""
    password: SecretStr = SecretStr("")
    auth: Literal["oauth", "password", "ntlm"] = "oauth"
    access: Literal["impersonation", "delegate"] = "impersonation"
    tls: Literal["tls", "starttls", "none"] = "tls"
    smtp_server: str = ""
    since: str = ""
    inbox: str = "inbox"
    processed: str = "processed"
    unrecognised: str = "unrecognised"
    unreadable: str = "unreadable"
    poll_seconds: float = Field(default=15, gt=0, le=3600)
    trusted_authserv_id: str = ""
    require_authenticated: bool = False
    trusted_domains: Names = ()
    away_minutes: float = Field(default=15, gt=0)
    silent_hours: float = Field(default=0, ge=0)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


class SourceFields(_Section):
    """Where a source's mails say what; patterns, see ``mailwatcher.parsers.configured``."""

    title: Pattern = ""
    severity: Pattern = ""
    project: Pattern = ""
    resource: Pattern = ""
    condition: Pattern = ""
    incident_id: Pattern = ""
    incident_url: Pattern = ""
    summary: Pattern = ""


class Source(_Section):
    """A sender of alert mail that the team describes itself; see ``mailwatcher.parsers.configured``."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    sender: str = ""
    subject: str = ""
    headers: dict[str, str] = {}
    firing: Pattern = Field(min_length=1)
    recovered: Pattern = ""
    ignored: Pattern = ""
    fields: SourceFields = SourceFields()
    fingerprint: Names = ()

    @model_validator(mode="after")
    def _says_whose_and_which(self) -> Source:
        if not (self.sender or self.subject or self.headers):
            raise ValueError("needs sender, subject or headers: which mails are its own")
        given = self.fields.model_dump()
        for name in self.fingerprint:
            if name not in given:
                raise ValueError(f"fingerprint holds {name!r}; it needs some of {', '.join(given)}")
            if not given[name] and name != "title":
                raise ValueError(f"fingerprint holds {name!r}, for which fields has no pattern")
        return self


class Tracker(_Section):
    """The issue tracker that holds the record of incidents.

    Attributes:
        url: GitLab's address, for example ``https://gitlab.example.org``.
        project: The project's path.
        cadence: The title of the iteration cadence, where the project's groups have several.
        users: Who is who: an object id, a user principal name or a display name, and the GitLab username.
        webhook_secret, webhook_signing_token: What GitLab's webhook shows: a plain secret, or signatures.
        poll_seconds: How often to look for what the webhook did not say.
        timeout_seconds: GitLab's own limit for a request. After a lost answer Wilson waits for so long before it
            looks whether the request was carried out.
    """

    kind: Literal["local", "gitlab"] = "local"
    path: Path = Path("var/issues")
    url: str = ""
    token: SecretStr = SecretStr("")
    project: str = "iam/admin"
    template: str = "Incident"
    cadence: str = ""
    users: dict[str, str] = {}
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    webhook_secret: SecretStr = SecretStr("")
    webhook_signing_token: SecretStr = SecretStr("")
    poll_seconds: float = Field(default=300, gt=10, le=86_400)


class Apigee(_Section):
    """The API gateway's management API.

    Attributes:
        poll_seconds: How often to look for requests that no mail told of.
    """

    kind: Literal["none", "apigee"] = "none"
    base_url: str = "https://apigee.googleapis.com"
    organization: str = ""
    credentials: str = ""
    poll_seconds: float = Field(default=300, ge=10, le=86_400)


class Halo(_Section):
    """The service desk.

    Attributes:
        base_url: Its address, for example ``https://example.haloitsm.com``.
        scope: What is asked for at sign-in; no more than the application was given there.
        note_outcome: The name of the outcome (Halo's word for a kind of action) that a private note is.
        note_outcome_id: Its number, in place of the name; 0 for the name.
        closed_status_ids: The numbers of the statuses that count as closed.
        queue: The name of the team there whose calls are ours; where empty, no queue is read.
        timeout_seconds: How long to wait for an answer, and after a lost one before it is looked for.
    """

    kind: Literal["none", "halo"] = "none"
    base_url: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    scope: str = "read:tickets edit:tickets"
    note_outcome: str = Field(default="Private Note", min_length=1)
    note_outcome_id: int = Field(default=0, ge=0)
    closed_status_ids: Numbers = (9,)
    queue: str = ""
    timeout_seconds: float = Field(default=30, gt=0, le=600)


class Directory(_Section):
    """The directory of the whole organisation.

    What is empty of the sign-in is taken from ``[teams]``: usually both are one application in Entra.

    Attributes:
        base_url: For other clouds, and for tests.
        client_secret, certificate, managed_identity: With what to sign in. Those of ``[teams]`` are taken where
            none is set and the application is the same.
    """

    kind: Literal["none", "graph"] = "none"
    base_url: str = ""
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    certificate: str = ""
    managed_identity: bool = False
    login_url: str = ""


class StatusPage(_Section):
    """The page that tells users how a service stands.

    Attributes:
        base_url, page_id: Of Atlassian Statuspage.
        api_key: Statuspage's key; for a webhook, what it shows as a bearer token, or nothing.
        url: The webhook's address, which may hold a secret.
    """

    kind: Literal["none", "statuspage", "webhook"] = "none"
    base_url: str = "https://api.statuspage.io"
    page_id: str = ""
    api_key: SecretStr = SecretStr("")
    url: SecretStr = SecretStr("")
    timeout_seconds: float = Field(default=30, gt=0, le=600)


class Paging(_Section):
    """The system that pages people.

    Attributes:
        url: The webhook's address, which may hold a secret; of PagerDuty only for another region.
        routing_key: The integration key of a service of PagerDuty.
        token: What a webhook is shown as a bearer token, or nothing.
    """

    kind: Literal["none", "pagerduty", "webhook"] = "none"
    url: SecretStr = SecretStr("")
    routing_key: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    timeout_seconds: float = Field(default=15, gt=0, le=600)


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("needs a name such as Europe/London") from None
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Rota(_Section):
    """Who is on call.

    Attributes:
        url: The calendar's address, which may hold a secret.
        schedule: GitLab's on-call schedule by name or number; empty where the tracker's project has one alone.
    """

    kind: Literal["none", "file", "ical", "gitlab"] = "none"
    path: Path = Path("rota.toml")
    url: str = ""
    schedule: str = ""
    timezone: TimeZone = "Europe/London"


class Process(_Section):
    """The team's process: a shipped one by name, or a file of its own."""

    name: str = "wilson"
    path: Path | None = None


class Settings(_Section):
    """Everything that is set from outside."""

    database: Database = Database()
    web: Web = Web()
    teams: Teams = Teams()
    mailbox: Mailbox = Mailbox()
    tracker: Tracker = Tracker()
    apigee: Apigee = Apigee()
    halo: Halo = Halo()
    directory: Directory = Directory()
    status_page: StatusPage = StatusPage()
    paging: Paging = Paging()
    rota: Rota = Rota()
    process: Process = Process()
    source: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _auth_disabled_on_loopback_only(self) -> Settings:
        if self.teams.auth == "disabled" and not self.web.loopback:
            raise ValueError(
                f'teams.auth = "disabled" needs web.host on loopback (127.0.0.1), but it is {self.web.host!r}'
            )
        return self
