"""What gateway, service desk and directory know about a case."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

from models.domain.access import product_of
from models.domain.alerts import Alert
from models.domain.cases import App, Call, Product
from models.domain.gateway import GatewayApp
from models.domain.procedures import AccessProcess, Procedure
from models.ports.errors import Permanent
from models.ports.gateway import ApiGateway
from models.ports.people_directory import PeopleDirectory
from models.ports.service_desk import ServiceDesk

log = logging.getLogger(__name__)


def app_of_mail(alert: Alert) -> App:
    """Return the app as a mail tells of it."""
    told = alert.details
    named = told.get("api_products")
    products = [str(each) for each in named] if isinstance(named, list | tuple) else []
    return App(
        title=str(told.get("app_display_name") or alert.title)[:200],
        app_id=str(told.get("app_id") or ""),
        name=str(told.get("app_name") or "")[:200],
        team=str(told.get("team") or "")[:200],
        requester=str(told.get("developer_email") or "")[:200],
        products=tuple(product_of(name) for name in products),
        description=str(told.get("description") or "")[:500],
        callback_url=str(told.get("callback_url") or "")[:300],
        console_url=alert.incident_url or "",
    )


class Lookup:
    """Asks, and brings together what is answered.

    Args:
        gateway, desk, people: Whom to ask; each may be one that knows nothing.
    """

    def __init__(self, gateway: ApiGateway, desk: ServiceDesk, people: PeopleDirectory) -> None:
        self.gateway = gateway
        self.desk = desk
        self._people = people

    async def app(self, app: App, process: AccessProcess) -> App:
        """Return what is known of an app now; what the gateway says is worth more than a mail.

        Raises:
            PortError: The gateway or the directory can't be asked now.
        """
        if self.gateway.configured:
            found = await self._find(app)
            app = replace(app, gone=bool(app.app_id)) if found is None else await self.of_gateway(found, app)
        titles = [name for each in app.products for name in (each.name, each.title)]
        if any((rule := process.rule(name)) is not None and rule.personal_information for name in titles):
            app = await self._authorised(app, process)
        return replace(app, products=tuple(_given(each, process) for each in app.products))

    async def _find(self, app: App) -> GatewayApp | None:
        if app.app_id:
            return await self.gateway.app(app_id=app.app_id)
        return await self.gateway.app(name=app.name or app.title)

    async def of_gateway(self, found: GatewayApp, before: App) -> App:
        """Return an app as the gateway tells of it.

        Args:
            before: What was known before: which products are asked for, and what only a mail says.
        """
        products = []
        for each in before.products:
            known = await self.gateway.product(each.name)
            name = known.name if known else each.name
            products.append(
                product_of(
                    name,
                    known.title if known else each.title,
                    known.description if known else "",
                    found.grant(name),
                )
            )
        if not before.products:
            for name in found.pending():
                known = await self.gateway.product(name)
                title, gives = (known.title, known.description) if known else ("", "")
                products.append(product_of(name, title, gives, found.grant(name)))
        return replace(
            before,
            title=found.title[:200],
            app_id=found.app_id,
            name=found.name,
            team=found.team,
            team_title=found.team_title,
            requester=found.developer or before.requester,
            products=tuple(dict.fromkeys(products)),
            description=(found.description or before.description)[:500],
            callback_url=(found.callback_url or before.callback_url)[:300],
            created_at=found.created_at,
            console_url=found.console_url or before.console_url,
            looked_up_at=datetime.now(UTC),
            gone=False,
        )

    async def _authorised(self, app: App, process: AccessProcess) -> App:
        if not (self._people.configured and process.staff_groups):
            return app
        if not app.requester:
            return replace(app, authorised=None, authorised_how="the requester's address is not known")
        try:
            who = await self._people.find(app.requester, process.staff_groups)
        except Permanent as error:
            return replace(app, authorised=None, authorised_how=str(error)[:300])
        if who is None:
            return replace(app, authorised=None, authorised_how="the directory does not know the requester")
        about = ", ".join(each for each in (who.name, who.title, who.department) if each)
        how = f"the directory: {about}; {f'in {who.groups[0]}' if who.groups else 'in none of the groups'}"
        return replace(app, authorised=bool(who.groups), authorised_how=how[:300])

    async def call(self, call: Call, procedure: Procedure | None) -> Call:
        """Return what is known of a support call, and whether its requester is one of those who may ask."""
        if self.desk.configured:
            try:
                found = await self.desk.call(call.key)
            except Permanent as error:
                log.warning("support call %s can't be read: %s", call.key, error)
                found = None
            if found is not None:
                call = replace(
                    call,
                    url=found.url or call.url,
                    subject=found.subject[:200],
                    requester=found.requester[:100],
                    requester_mail=found.requester_mail[:200],
                )
        groups = next((step.groups for step in procedure.steps if step.groups), ()) if procedure else ()
        if not (groups and call.requester_mail and self._people.configured):
            return call
        try:
            who = await self._people.find(call.requester_mail, groups)
        except Permanent as error:
            return replace(call, known=None, known_how=str(error)[:300])
        if who is None:
            return replace(call, known=None, known_how="the directory does not know the requester")
        said = f"in {who.groups[0]}" if who.groups else f"not in {' or '.join(groups)}"
        return replace(call, known=bool(who.groups), known_how=f"the directory: {who.name}, {said}"[:300])


def _given(product: Product, process: AccessProcess) -> Product:
    rule = process.rule(product.name, product.title)
    return replace(product, gives=rule.gives[:300]) if rule is not None and rule.gives else product
