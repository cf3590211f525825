"""A stand-in for an Exchange server: folders, mails and subscriptions in memory, spoken to by SOAP.

Every body that comes in or goes out is held against Microsoft's schemas where they are at hand
(``../shared/contracts/ews``); what does not fit is kept in ``violations``.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from tests.support.exchange_http import Answer, Handler, HttpServer
from tests.support.exchange_soap import (
    M,
    S,
    SoapError,
    SoapFault,
    T,
    enveloped,
    fault_of,
    message,
    responses,
    schema,
)

NAMES = {"s": S, "m": M, "t": T}
ADDRESS = "alerts@example.com"
PAGE = 512
HUGE = etree.XMLParser(huge_tree=True)


@dataclass
class Folder:
    id: str
    name: str
    parent: str
    known: str = ""


@dataclass
class Item:
    id: str
    raw: bytes
    received_at: datetime
    folder: str
    came: int
    tag: str = "Message"
    error: str = ""
    """What ``GetItem`` says of it in place of giving it."""


@dataclass
class Left:
    item: str
    folder: str
    came: int
    went: int


@dataclass
class Exchange:
    """One mailbox server.

    Attributes:
        auth: ``basic``, ``ntlm`` or ``bearer``: what it lets in.
        impersonated: Whether a request must say whose mailbox it means.
        page: The most changes in one answer.
        streaming: Whether subscriptions work.
        queue: What the next requests get in place of an answer: called with the operation's name, may raise
            or return an answer; ``None`` goes on as ever.
        requests: The operations asked for, with the request's headers and envelope.
        sent: The mails that were to be sent.
    """

    auth: str = "basic"
    impersonated: bool = True
    page: int = PAGE
    streaming: bool = True
    port: int = 0
    queue: list[Callable[[str], Answer | None]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    epoch: int = 1
    """Part of each synchronisation state; states of another epoch are invalid."""
    streams: int = 0
    """Streaming connections that are open now."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._subscriptions: dict[str, list[str]] = {}
        self._server: Any = None
        root = Folder("root-0", "Top of Information Store", "root-none", "msgfolderroot")
        self.folders[root.id] = root
        for name, known in (("Inbox", "inbox"), ("Sent Items", "sentitems")):
            self.add_folder(name, known=known)

    # -- for tests ----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ews_url(self) -> str:
        return f"{self.url}/EWS/Exchange.asmx"

    def start(self) -> Exchange:
        exchange = self

        class Speaker(Handler):
            owner = exchange

        self._server = HttpServer(("127.0.0.1", self.port), Speaker)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Go away, and cut all connections."""
        with self._lock:
            server, self._server = self._server, None
            self._changed.notify_all()
        if server is not None:
            server.shutdown()
            server.server_close()
            server.cut()

    @property
    def running(self) -> bool:
        return self._server is not None

    def add_folder(self, name: str, parent: str = "root-0", known: str = "") -> str:
        with self._lock:
            folder = Folder(f"folder-{next(self._numbers)}", name, parent, known)
            self.folders[folder.id] = folder
            return folder.id

    def folder_id(self, path: str) -> str:
        """Return the id of a folder such as ``processed`` or ``Inbox/Alerts``; empty where there is none."""
        found = "root-0"
        for part in path.split("/"):
            found = next(
                (
                    folder.id
                    for folder in self.folders.values()
                    if folder.parent == found and folder.name.casefold() == part.casefold()
                ),
                "",
            )
        return found

    def deliver(self, raw: bytes, received_at: datetime | None = None, folder: str = "inbox", **more: Any) -> str:
        """Put a mail into a folder, and announce it. Returns its id."""
        with self._lock:
            home = self.folder_id(folder)
            number = next(self._numbers)
            item = Item(f"item-{number}", raw, received_at or datetime.now(UTC), home, number, **more)
            self.items[item.id] = item
            self._announce(item)
            return item.id

    def names(self, folder: str) -> list[bytes]:
        """Return the mails in a folder, in the order in which they came there."""
        with self._lock:
            home = self.folder_id(folder)
            return [
                item.raw for item in sorted(self.items.values(), key=lambda item: item.came) if item.folder == home
            ]

    def move(self, item_id: str, folder: str) -> str:
        """Move a mail, as its owner would. Returns its new id."""
        with self._lock:
            return self._move(item_id, self.folder_id(folder)).id

    def forget_states(self) -> None:
        """Make all synchronisation states invalid."""
        self.epoch += 1

    def refuse(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer the next request with a plain status."""
        self.queue.append(lambda _: (status, headers or {}, body))

    def fault(self, code: str, milliseconds: int | None = None) -> None:
        """Answer the next request with a SOAP fault."""

        def raise_it(_: str) -> Answer | None:
            raise SoapFault(code, milliseconds)

        self.queue.append(raise_it)

    def error(self, code: str) -> None:
        """Answer the next request with a response message that is an error."""

        def raise_it(_: str) -> Answer | None:
            raise SoapError(code)

        self.queue.append(raise_it)

    def drop(self) -> None:
        """Cut the connection of the next request once it is read."""

        def raise_it(_: str) -> Answer | None:
            raise ConnectionAbortedError

        self.queue.append(raise_it)

    def asked(self, operation: str) -> list[tuple[str, dict[str, str], Any]]:
        return [request for request in self.requests if request[0] == operation]

    # -- one request --------------------------------------------------------------------------------------

    def answer(self, headers: dict[str, str], body: bytes) -> Answer | str:
        """Return an answer, or the subscription whose events are to be streamed."""
        envelope = etree.fromstring(body, HUGE)
        content = envelope.find(f"{{{S}}}Body")[0]
        operation = etree.QName(content).localname
        with self._lock:
            self.requests.append((operation, headers, envelope))
            for element in (*envelope.findall("s:Header/*", namespaces=NAMES), content):
                self._hold_to_schema(f"request {operation}", element)
            handler = getattr(self, "_on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
            try:
                ready = self.queue.pop(0)(operation) if self.queue else None
                if ready is not None:
                    return ready
                self._hold_to_owner(envelope)
                if operation == "GetStreamingEvents":
                    name = content.findtext("m:SubscriptionIds/t:SubscriptionId", namespaces=NAMES)
                    if name not in self._subscriptions:
                        raise SoapError("ErrorSubscriptionNotFound")
                    return str(name)
                messages = handler(content)
            except SoapFault as fault:
                return 500, {}, fault_of(fault)
            except SoapError as error:
                messages = [message(operation, error=error)]
            return 200, {}, self.envelope(operation, messages)

    def _hold_to_schema(self, what: str, element: Any) -> None:
        if schema() is None:
            return
        alone = etree.fromstring(etree.tostring(copy.deepcopy(element)), HUGE)
        if not schema().validate(alone):
            self.violations.append(f"{what}: {schema().error_log.last_error.message}")

    def _hold_to_owner(self, envelope: Any) -> None:
        if not self.impersonated:
            return
        path = "s:Header/t:ExchangeImpersonation/t:ConnectingSID/*"
        found = envelope.find(path, namespaces=NAMES)
        if found is None:
            raise SoapFault("ErrorAccessDenied")
        if found.text.casefold() != ADDRESS:
            raise SoapFault("ErrorNonExistentMailbox")

    def envelope(self, operation: str, messages: list[str]) -> bytes:
        inner = responses(operation, messages)
        self._hold_to_schema(f"answer {operation}", etree.fromstring(inner, HUGE))
        return enveloped(inner)

    # -- folders ------------------------------------------------------------------------------------------

    def _folder(self, parent: Any) -> Folder:
        """Return the folder that the first id below an element names."""
        element = parent[0]
        name = element.get("Id")
        if element.tag == f"{{{T}}}DistinguishedFolderId":
            owner = element.findtext("t:Mailbox/t:EmailAddress", namespaces=NAMES)
            if owner is not None and owner.casefold() != ADDRESS:
                raise SoapError("ErrorNonExistentMailbox")
            found = next((folder for folder in self.folders.values() if folder.known == name), None)
        else:
            found = self.folders.get(name)
        if found is None:
            raise SoapError("ErrorFolderNotFound")
        return found

    def _folder_xml(self, folder: Folder) -> str:
        number = sum(item.folder == folder.id for item in self.items.values())
        children = sum(each.parent == folder.id for each in self.folders.values())
        return (
            f'<t:Folder><t:FolderId Id="{folder.id}" ChangeKey="AQ=="/><t:ParentFolderId Id="{folder.parent}"/>'
            f"<t:DisplayName>{folder.name}</t:DisplayName><t:TotalCount>{number}</t:TotalCount>"
            f"<t:ChildFolderCount>{children}</t:ChildFolderCount></t:Folder>"
        )

    def _on_get_folder(self, content: Any) -> list[str]:
        folder = self._folder(content.find("m:FolderIds", namespaces=NAMES))
        return [message("GetFolder", f"<m:Folders>{self._folder_xml(folder)}</m:Folders>")]

    def _on_find_folder(self, content: Any) -> list[str]:
        parent = self._folder(content.find("m:ParentFolderIds", namespaces=NAMES))
        view = content.find("m:IndexedPageFolderView", namespaces=NAMES)
        start, most = int(view.get("Offset")), int(view.get("MaxEntriesReturned"))
        below = [folder for folder in self.folders.values() if folder.parent == parent.id]
        page = below[start : start + most]
        end = start + len(page)
        last = "true" if end >= len(below) else "false"
        folders = "".join(self._folder_xml(folder) for folder in page)
        root = (
            f'<m:RootFolder IndexedPagingOffset="{end}" TotalItemsInView="{len(below)}" '
            f'IncludesLastItemInRange="{last}"><t:Folders>{folders}</t:Folders></m:RootFolder>'
        )
        return [message("FindFolder", root)]

    def _on_create_folder(self, content: Any) -> list[str]:
        parent = self._folder(content.find("m:ParentFolderId", namespaces=NAMES))
        name = content.findtext("m:Folders/t:Folder/t:DisplayName", namespaces=NAMES)
        taken = [each for each in self.folders.values() if each.parent == parent.id]
        if any(each.name.casefold() == name.casefold() for each in taken):
            raise SoapError("ErrorFolderExists")
        made = self.folders[self.add_folder(name, parent.id)]
        folder = f'<t:Folder><t:FolderId Id="{made.id}" ChangeKey="AQ=="/></t:Folder>'
        return [message("CreateFolder", f"<m:Folders>{folder}</m:Folders>")]

    # -- mails --------------------------------------------------------------------------------------------

    def _item_xml(self, item: Item, fields: set[str]) -> str:
        mime = base64.b64encode(item.raw).decode() if "item:MimeContent" in fields else ""
        parts = [f"<t:{item.tag}>"]
        if mime:
            parts.append(f'<t:MimeContent CharacterSet="UTF-8">{mime}</t:MimeContent>')
        parts.append(f'<t:ItemId Id="{item.id}" ChangeKey="CQ=="/>')
        if "item:DateTimeReceived" in fields:
            at = item.received_at.astimezone(UTC)
            parts.append(f"<t:DateTimeReceived>{at:%Y-%m-%dT%H:%M:%SZ}</t:DateTimeReceived>")
        if "item:Size" in fields:
            parts.append(f"<t:Size>{len(item.raw)}</t:Size>")
        return "".join([*parts, f"</t:{item.tag}>"])

    def _fields(self, content: Any) -> set[str]:
        return {element.get("FieldURI") for element in content.iter(f"{{{T}}}FieldURI")}

    def _on_sync_folder_items(self, content: Any) -> list[str]:
        folder = self._folder(content.find("m:SyncFolderId", namespaces=NAMES))
        fields = self._fields(content)
        seen = self._seen(content.findtext("m:SyncState", namespaces=NAMES) or "", folder)
        most = min(self.page, int(content.findtext("m:MaxChangesReturned", namespaces=NAMES)))
        changes = [
            (item.came, f"<t:Create>{self._item_xml(item, fields)}</t:Create>")
            for item in self.items.values()
            if item.folder == folder.id and item.came > seen
        ]
        changes += [
            (left.went, f'<t:Delete><t:ItemId Id="{left.item}" ChangeKey="CQ=="/></t:Delete>')
            for left in self.left
            if left.folder == folder.id and left.went > seen >= left.came
        ]
        changes.sort()
        page = changes[:most]
        last = len(page) == len(changes)
        until = next(self._numbers) if last else page[-1][0]
        state = base64.b64encode(json.dumps([self.epoch, folder.id, until]).encode()).decode()
        return [
            message(
                "SyncFolderItems",
                f"<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{str(last).lower()}"
                f"</m:IncludesLastItemInRange><m:Changes>{''.join(xml for _, xml in page)}</m:Changes>",
            )
        ]

    def _seen(self, state: str, folder: Folder) -> int:
        if not state:
            return 0
        try:
            epoch, home, number = json.loads(base64.b64decode(state, validate=True))
        except (ValueError, TypeError):
            raise SoapError("ErrorInvalidSyncStateData") from None
        if (epoch, home) != (self.epoch, folder.id):
            raise SoapError("ErrorInvalidSyncStateData")
        return int(number)

    def _on_get_item(self, content: Any) -> list[str]:
        fields = self._fields(content)
        messages = []
        for element in content.find("m:ItemIds", namespaces=NAMES):
            item = self.items.get(element.get("Id"))
            if item is None or item.error:
                error = SoapError(item.error if item else "ErrorItemNotFound")
                messages.append(message("GetItem", error=error))
            else:
                messages.append(message("GetItem", f"<m:Items>{self._item_xml(item, fields)}</m:Items>"))
        return messages

    def _on_move_item(self, content: Any) -> list[str]:
        folder = self._folder(content.find("m:ToFolderId", namespaces=NAMES))
        messages = []
        for element in content.find("m:ItemIds", namespaces=NAMES):
            if element.get("Id") not in self.items:
                messages.append(message("MoveItem", error=SoapError("ErrorItemNotFound")))
                continue
            moved = self._move(element.get("Id"), folder.id)
            items = f'<m:Items><t:Message><t:ItemId Id="{moved.id}" ChangeKey="CQ=="/></t:Message></m:Items>'
            messages.append(message("MoveItem", items))
        return messages

    def _move(self, item_id: str, home: str) -> Item:
        item = self.items.pop(item_id)
        number = next(self._numbers)
        self.left.append(Left(item.id, item.folder, item.came, number))
        item.id, item.folder, item.came = f"item-{number}", home, number
        self.items[item.id] = item
        return item

    def _on_create_item(self, content: Any) -> list[str]:
        assert content.get("MessageDisposition") == "SendAndSaveCopy"
        raw = base64.b64decode(content.findtext("m:Items/t:Message/t:MimeContent", namespaces=NAMES))
        self.sent.append(raw)
        folder = self._folder(content.find("m:SavedItemFolderId", namespaces=NAMES))
        self.deliver(raw, folder=folder.name)
        return [message("CreateItem", "<m:Items/>")]

    # -- announcements ------------------------------------------------------------------------------------

    def _announce(self, item: Item) -> None:
        for name, events in self._subscriptions.items():
            at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            events.append(
                f"<m:Notifications><t:Notification><t:SubscriptionId>{name}</t:SubscriptionId><t:NewMailEvent>"
                f'<t:TimeStamp>{at}</t:TimeStamp><t:ItemId Id="{item.id}" ChangeKey="CQ=="/>'
                f'<t:ParentFolderId Id="{item.folder}" ChangeKey="AQ=="/></t:NewMailEvent></t:Notification>'
                "</m:Notifications>"
            )
        self._changed.notify_all()

    def _on_subscribe(self, content: Any) -> list[str]:
        if not self.streaming:
            raise SoapError("ErrorInvalidSubscriptionRequest")
        self._folder(content.find("m:StreamingSubscriptionRequest/t:FolderIds", namespaces=NAMES))
        name = f"subscription-{next(self._numbers)}"
        self._subscriptions[name] = []
        return [message("Subscribe", f"<m:SubscriptionId>{name}</m:SubscriptionId>")]

    def _on_unsubscribe(self, content: Any) -> list[str]:
        if self._subscriptions.pop(content.findtext("m:SubscriptionId", namespaces=NAMES), None) is None:
            raise SoapError("ErrorSubscriptionNotFound")
        return [message("Unsubscribe")]

    def _on_get_streaming_events(self, content: Any) -> list[str]:
        raise NotImplementedError

    @property
    def subscriptions(self) -> int:
        return len(self._subscriptions)

    def stream(self, name: str, write: Callable[[bytes], None]) -> None:
        """Write each event of a subscription until the other side or this server goes away."""
        status = "<m:ConnectionStatus>OK</m:ConnectionStatus>"
        with self._lock:
            self.streams += 1
        try:
            write(self.envelope("GetStreamingEvents", [message("GetStreamingEvents", status)]))
            while True:
                with self._lock:
                    events = self._subscriptions.get(name)
                    if not self.running or events is None:
                        return
                    if not events:
                        self._changed.wait(0.2)
                    ready = [events.pop(0) for _ in range(len(events))]
                for event in ready or [""]:
                    told = message("GetStreamingEvents", event + status)
                    write(self.envelope("GetStreamingEvents", [told]))
        finally:
            with self._lock:
                self.streams -= 1
