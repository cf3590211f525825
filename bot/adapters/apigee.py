"""Google's Apigee X as the API gateway: which apps ask for which products, and letting them in.

An app of a team belongs to an AppGroup; one of a single person to a developer. What a key may do is said by each of
its products; a revoked key or app beats that. There is no filter for what is pending: all apps are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.adapters.apigee_http import ApigeeApi, Missing
from models.domain.gateway import AppKey, GatewayApp, Grant, ProductGrant
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError
from models.ports.gateway import ApiProduct
from models.settings import Apigee

PAGE, MOST_PAGES = "1000", 100
TITLES = ("displayname", "display_name", "display name")
DESCRIPTIONS = ("notes", "description")
CONSOLE = "https://console.cloud.google.com/apigee/apps"


class ApigeeGateway:
    """Speaks to one organisation of Apigee.

    Args:
        settings: Address, organisation, credentials.
    """

    def __init__(self, settings: Apigee) -> None:
        self._organization = settings.organization
        self._root = f"organizations/{_part(settings.organization)}"
        self._api = ApigeeApi(settings.base_url, settings.credentials)

    @property
    def configured(self) -> bool:
        """See ``models.ports.gateway.ApiGateway``."""
        return True

    async def app(self, *, app_id: str = "", name: str = "") -> GatewayApp | None:
        """See ``models.ports.gateway.ApiGateway``."""
        if app_id:
            try:
                return await self._whole(await self._api.get(f"{self._root}/apps/{_part(app_id)}"))
            except Missing:
                return None
        wanted = name.strip().casefold()
        found = [each for each in await self._all() if wanted and wanted in _names(each)]
        return await self._whole(found[0]) if len(found) == 1 else None

    async def pending(self) -> Sequence[GatewayApp]:
        """See ``models.ports.gateway.ApiGateway``."""
        waiting = [told for told in await self._all() if _app(told).pending()]
        return [await self._whole(told) for told in waiting]

    async def _all(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        asked = {"expand": "true", "includeCred": "true", "pageSize": PAGE}
        for _ in range(MOST_PAGES):
            told = await self._api.get(f"{self._root}/apps", asked)
            found += [_without_secrets(each) for each in told.get("app") or () if isinstance(each, dict)]
            token = told.get("nextPageToken")
            if not token:
                break
            asked["pageToken"] = str(token)
        return found

    async def _whole(self, told: dict[str, Any]) -> GatewayApp:
        """Return an app with what its team is called."""
        app = _app(_without_secrets(told))
        url = self.console_url(app.app_id)
        if not app.team:
            return replace(app, console_url=url)
        try:
            group = await self._api.get(f"{self._root}/appgroups/{_part(app.team)}")
        except Missing:
            group = {}
        title = str(group.get("displayName") or "")[:200]
        return replace(app, team_title=title, console_url=url)

    async def product(self, name: str) -> ApiProduct | None:
        """See ``models.ports.gateway.ApiGateway``."""
        try:
            return _product(await self._api.get(f"{self._root}/apiproducts/{_part(name)}"))
        except Missing:
            told = await self._api.get(f"{self._root}/apiproducts", {"expand": "true"})
        wanted = name.strip().casefold()
        listed = [_product(each) for each in told.get("apiProduct") or () if isinstance(each, dict)]
        named = [each for each in listed if wanted in (each.title.casefold(), each.name.casefold())]
        return named[0] if len(named) == 1 else None

    async def approve(self, app: GatewayApp, products: Sequence[str]) -> GatewayApp:
        """See ``models.ports.gateway.ApiGateway``."""
        before = await self.app(app_id=app.app_id)
        if before is None:
            raise Permanent("the app is gone from the gateway")
        for path in self._paths(before, products):
            try:
                await self._api.post(path, {"action": "approve"})
            except Missing:
                continue  # read again below: it says what is left
        after = await self.app(app_id=app.app_id)
        if after is None:
            raise Permanent("the app is gone from the gateway")
        return after

    def _paths(self, app: GatewayApp, products: Sequence[str]) -> Iterator[str]:
        """Return where each pending product of a usable key is approved."""
        if app.status is Grant.REVOKED:
            return
        owner = f"appgroups/{_part(app.team)}" if app.team else f"developers/{_part(app.developer)}"
        for key in app.keys:
            if key.status is Grant.REVOKED:
                continue
            for each in key.products:
                if each.product in products and each.status is Grant.PENDING:
                    where = f"apps/{_part(app.name)}/keys/{_part(key.key)}/apiproducts/{_part(each.product)}"
                    yield f"{self._root}/{owner}/{where}"

    def console_url(self, app_id: str, team: str = "") -> str:
        """See ``models.ports.gateway.ApiGateway``."""
        app = f"/{quote(app_id, safe='')}" if app_id else ""
        return f"{CONSOLE}{app}?project={quote(self._organization, safe='')}"

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        try:
            await self._api.sign_in()
        except PortError as error:
            return [Finding("apigee credentials", False, str(error), "See docs/gateway.md.")]
        found = [Finding("apigee credentials", True, "Google accepts them")]
        try:
            told = await self._api.get(f"{self._root}/apps", {"pageSize": "1"})
        except PortError as error:
            advice = "The service account needs apigee.apps.list and apigee.apps.get: see docs/gateway.md."
            return [*found, Finding("apigee apps", False, str(error), advice)]
        several = "can be listed" if told.get("app") else "can be listed; there are none yet"
        return [
            *found,
            Finding("apigee apps", True, several),
            Finding(
                "apigee approving", None, "whether apigee.appkeys.manage is given shows with the first approval"
            ),
        ]

    async def close(self) -> None:
        """See ``models.ports.gateway.ApiGateway``."""
        await self._api.close()


def _part(text: str) -> str:
    if text in (".", ".."):
        raise Permanent(f"{text!r} can't be part of an address")
    return quote(text, safe="@")


def _without_secrets(told: dict[str, Any]) -> dict[str, Any]:
    keys = [each for each in told.get("credentials") or () if isinstance(each, dict)]
    return told | {"credentials": [{k: v for k, v in each.items() if k != "consumerSecret"} for each in keys]}


def _names(told: dict[str, Any]) -> set[str]:
    return {str(told.get("name") or "").casefold(), _attribute(told, TITLES).casefold()} - {""}


def _attribute(told: dict[str, Any], names: Sequence[str]) -> str:
    held = {
        str(each.get("name", "")).casefold(): str(each.get("value") or "")
        for each in told.get("attributes") or ()
        if isinstance(each, dict)
    }
    return next((held[name].strip() for name in names if held.get(name, "").strip()), "")


def _app(told: dict[str, Any]) -> GatewayApp:
    name = str(told.get("name") or "")
    return GatewayApp(
        app_id=str(told.get("appId") or ""),
        name=name,
        title=(_attribute(told, TITLES) or name)[:200],
        team=str(told.get("appGroup") or ""),
        developer=str(told.get("developerEmail") or told.get("developerId") or ""),
        status=_grant(told.get("status")),
        keys=tuple(_key(each) for each in told.get("credentials") or ()),
        created_at=_time(told.get("createdAt")),
        callback_url=str(told.get("callbackUrl") or "")[:300],
        description=_attribute(told, DESCRIPTIONS)[:500],
    )


def _key(told: dict[str, Any]) -> AppKey:
    products = [each for each in told.get("apiProducts") or () if isinstance(each, dict)]
    grants = tuple(ProductGrant(str(each.get("apiproduct") or ""), _grant(each.get("status"))) for each in products)
    return AppKey(str(told.get("consumerKey") or ""), _grant(told.get("status")), grants)


def _grant(told: Any) -> Grant:
    """Return a status; one that is not known counts as pending, which claims nothing."""
    try:
        return Grant(str(told or "approved").lower())
    except ValueError:
        return Grant.PENDING


def _product(told: dict[str, Any]) -> ApiProduct:
    name = str(told.get("name") or "")
    return ApiProduct(name, str(told.get("displayName") or name)[:100], str(told.get("description") or "")[:300])


def _time(told: Any) -> datetime | None:
    text = str(told or "")
    return datetime.fromtimestamp(int(text) / 1000, UTC) if text.isascii() and text.isdigit() else None
