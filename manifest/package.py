"""The Teams app package: what an administrator uploads so that the bot can be added to a team.

The app is for one tenant: its bot is registered as SingleTenant or with a managed identity, and the bot refuses
activities of other tenants. It goes into the organisation's own catalogue, not into the public store.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

SCHEMA_VERSION = "1.30"
ACCENT = "#1F3A5F"

MENU = (
    ("help", "Show every command, also those that this menu has no room for"),
    ("incident", "Declare an incident that no mail announced: incident <title>"),
    ("list", "Show what is unfinished"),
    ("oncall", "Say who is on call"),
    ("status", "In an incident's thread: show how it stands"),
    ("raise", "In a thread: it is real; somebody takes it"),
    ("claim", "In a thread: you take it"),
    ("assign", "In a thread: somebody takes it who agreed to: assign @person"),
    ("hand over", "In a thread: pass it on: hand over @person"),
    ("urgency", "In a thread: say how bad it is: urgency <level> because <reason>"),
    ("note", "In a thread: write into the issue: note <text>"),
    ("resolve", "In a thread: it is over; asks for the rest"),
)
"""What Teams suggests after ``@Wilson``, with its description.

A scope has one list of at most twelve, so ``link``, ``reopen``, ``dismiss`` and ``merge`` are told by ``help``.
"""

PERMISSIONS = ("ChannelMessage.Read.Group",)
"""Granted by a team's owner on installing: to hear a thread without being mentioned."""

_HERE = Path(__file__).parent
_ICONS = ("color.png", "outline.png")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_DATE = (1980, 1, 1, 0, 0, 0)  # the same package for the same settings, to the byte


def write_package(
    path: Path,
    *,
    app_id: str,
    version: str,
    public_url: str,
    bot_name: str = "Wilson",
    developer: str = "Team Wilson",
) -> Path:
    """Write the package and return where it stands.

    Args:
        path: The zip file; its folder is made, and a file of that name replaced.
        app_id: The bot's application id in Entra, which is the app's id too (``teams.app_id``).
        version: Three numbers, such as ``1.2.0``; Teams takes an update only with a new one.
        public_url: The ``https`` address of the bot's own web server (``web.public_url``).
        bot_name: How the bot is called and mentioned; at most 30 characters.
        developer: Who looks after it; at most 32 characters.

    Raises:
        ValueError: An argument doesn't fit; the text says which, what it held and what it needs.
    """
    manifest = build_manifest(
        app_id=app_id, version=version, public_url=public_url, bot_name=bot_name, developer=developer
    )
    files = {"manifest.json": (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()}
    files |= {name: (_HERE / name).read_bytes() for name in _ICONS}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            package.writestr(entry, data)
    return path


def build_manifest(
    *, app_id: str, version: str, public_url: str, bot_name: str = "Wilson", developer: str = "Team Wilson"
) -> dict[str, object]:
    """Return ``manifest.json`` as data. Arguments and errors as for ``write_package``."""
    app_id = _app_id(app_id)
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version holds {version!r}; it needs three numbers such as 1.2.0")
    address = urlsplit(public_url)
    if address.scheme != "https" or not address.hostname:
        raise ValueError(f"web.public_url holds {public_url!r}; it needs the https address that Teams reaches")
    for name, text, most in (("bot_name", bot_name, 30), ("developer", developer, 32)):
        if not text.strip() or len(text) > most:
            raise ValueError(f"{name} holds {text!r}; it needs 1 to {most} characters")
    home = f"https://{address.netloc.rpartition('@')[2]}"
    schema = f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
    return {
        "$schema": schema,
        "manifestVersion": SCHEMA_VERSION,
        "version": version,
        "id": app_id,
        "developer": {"name": developer, "websiteUrl": home, "privacyUrl": home, "termsOfUseUrl": home},
        "name": {"short": bot_name, "full": f"{bot_name}: incidents and access requests"},
        "description": {
            "short": "Turns alert mail into incidents that one person owns.",
            "full": (
                "Posts a card for every new alert, names who is on call, and keeps the thread, the GitLab incident "
                "and its own record saying the same, from claiming to the incident review. Requests for API access "
                "arrive as cards that can be approved, declined or referred."
            ),
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": ACCENT,
        "bots": [
            {
                "botId": app_id,
                "scopes": ["team"],
                "isNotificationOnly": False,
                "supportsFiles": False,
                "supportsCalling": False,
                "supportsVideo": False,
                "commandLists": [
                    {
                        "scopes": ["team"],
                        "commands": [{"title": title, "description": told} for title, told in MENU],
                    }
                ],
            }
        ],
        "configurableTabs": [
            {
                "configurationUrl": f"{home}/board/configure",
                "scopes": ["team"],
                "canUpdateConfiguration": False,
                "context": ["channelTab"],
            }
        ],
        "staticTabs": [
            {
                "entityId": "board",
                "name": "Incidents",
                "contentUrl": f"{home}/board",
                "websiteUrl": f"{home}/board",
                "scopes": ["personal"],
            }
        ],
        "defaultInstallScope": "team",
        "defaultGroupCapability": {"team": "bot"},
        "supportsChannelFeatures": "tier1",
        "validDomains": [address.hostname],
        "webApplicationInfo": {"id": app_id, "resource": f"api://{address.hostname}/botid-{app_id}"},
        "authorization": {
            "permissions": {"resourceSpecific": [{"name": name, "type": "Application"} for name in PERMISSIONS]}
        },
    }


def _app_id(text: str) -> str:
    try:
        value = UUID(text)
    except ValueError:
        value = UUID(int=0)
    if value.int == 0 or str(value) != text.lower():
        raise ValueError(
            f"teams.app_id holds {text!r}; it needs the bot's application id, "
            "such as 1f3a5f00-0000-4000-8000-000000000001"
        )
    return str(value)
