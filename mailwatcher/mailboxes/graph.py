"""A mailbox of Exchange Online, read through Microsoft Graph.

New mail is found by a delta query, whose link says how far the inbox was seen. The link is kept only once every
mail that it covers is filed away: a crash in between shows them again, and the record knows them. Immutable ids are
asked for, since moving a mail would change an ordinary one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mailwatcher.mailboxes.graph_http import Exists, Expired, GraphApi, Missing
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError
from models.ports.mailbox import Bookmark, MailFolder, StoredMail
from models.settings import Mailbox

log = logging.getLogger(__name__)

WELL_KNOWN = frozenset({"inbox", "archive", "drafts", "junkemail", "msgfolderroot", "deleteditems", "sentitems"})


class GraphMailbox:
    """Reads one mailbox.

    Args:
        settings: ``address``, the registration, ``inbox`` and the other folders.
        bookmark: Keeps the delta link.
        since: Mail received before is left alone; ``None`` reads all.
    """

    def __init__(self, settings: Mailbox, bookmark: Bookmark, since: datetime | None) -> None:
        self._settings = settings
        self._bookmark = bookmark
        self._since = since
        self._api = GraphApi(settings)
        self._folders: dict[str, str] = {}
        self._inbox = ""
        self._link = ""
        self._saved: str | None = None
        self._waiting: dict[str, datetime] = {}

    # -- the port -----------------------------------------------------------------------------------------

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.mailbox.Mailbox``."""
        await self._look()
        oldest = sorted(self._waiting.items(), key=lambda item: (item[1], item[0]))[:limit]
        raws = await asyncio.gather(*(self._raw(ref) for ref, _ in oldest), return_exceptions=True)
        mails: list[StoredMail] = []
        failed: list[BaseException] = []
        for (ref, received_at), raw in zip(oldest, raws, strict=True):
            if isinstance(raw, BaseException):
                failed.append(raw)
            elif raw is None:  # somebody moved or deleted it meanwhile
                self._waiting.pop(ref, None)
            else:
                mails.append(StoredMail(ref, raw, received_at))
        if failed and not mails:
            raise failed[0]
        for each in failed:
            log.warning("a mail can't be read, and is asked for again at the next look: %s", each)
        await self._keep_link()
        return mails

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.mailbox.Mailbox``. What somebody else moved meanwhile stays where it is."""
        if ref not in self._waiting:
            return
        target = await self._target(folder)
        if not await self._in_inbox(ref):
            self._waiting.pop(ref, None)
            await self._keep_link()
            return
        try:
            await self._api.json(
                "POST", f"{self._mailbox}/messages/{quote(ref, safe='')}/move", {"destinationId": target}
            )
        except Missing as missing:
            if missing.code.casefold() not in ("erroritemnotfound", "itemnotfound", "resourcenotfound", ""):
                self._folders.clear()
                raise Permanent(f"the folder for {folder.value} mail is gone: {missing}") from None
        self._waiting.pop(ref, None)
        await self._keep_link()

    async def wait(self, seconds: float) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.sleep(seconds)

    async def send(self, raw: bytes) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        body = {"message": _as_json(raw), "saveToSentItems": True}
        try:
            await self._api.json("POST", f"{self._mailbox}/sendMail", body)
        except Missing as missing:
            raise Permanent(str(missing)) from None

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        try:
            inbox = await self._folder_id(self._settings.inbox)
            found = await self._api.json("GET", f"{self._mailbox}/mailFolders/{quote(inbox, safe='')}")
        except PortError as error:
            advice = "Grant the application Mail.ReadWrite (and Mail.Send), limited to this mailbox; see docs."
            return [Finding("mailbox", False, f"{self._settings.address} can't be read: {error}", advice)]
        number = found.get("totalItemCount", "?")
        return [
            Finding("mailbox", True, f"{self._settings.address}: {number} mails in {found.get('displayName')!r}")
        ]

    async def close(self) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await self._api.close()

    # -- what is new --------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Follow the delta link to its end, and remember what it names."""
        if self._saved is None:
            self._saved = self._link = await self._bookmark.load()
        url = self._link if self._api.ours(self._link) else await self._first_link()
        try:
            while url:
                url = await self._page(url)
        except Expired:
            log.warning("the mailbox's delta link has expired: the inbox is looked through anew")
            self._link = ""
            url = await self._first_link()
            while url:
                url = await self._page(url)

    async def _page(self, url: str) -> str:
        """Read one page. Returns the next one's address; empty at the end."""
        try:
            page = await self._api.json("GET", url, delta=True)
        except Missing as missing:
            raise Permanent(f"mailbox.inbox holds {self._settings.inbox!r}: {missing}") from None
        for each in page.get("value") or []:
            ref = str(each.get("id") or "")
            if "@removed" in each:
                self._waiting.pop(ref, None)
                continue
            received_at = _time(each.get("receivedDateTime"))
            if ref and received_at is not None and received_at >= (self._since or received_at):
                self._waiting[ref] = received_at
        after, end = str(page.get("@odata.nextLink") or ""), str(page.get("@odata.deltaLink") or "")
        for link in (after, end):
            if link and not self._api.ours(link):
                raise Permanent(f"the server names another one to go on at: {urlsplit(link).hostname}")
        if end:
            self._link = end
        return after

    async def _first_link(self) -> str:
        inbox = await self._folder_id(self._settings.inbox)
        query = {"$select": "receivedDateTime,internetMessageId"}
        if self._since is not None:
            query["$filter"] = f"receivedDateTime ge {self._since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        path = f"{self._mailbox}/mailFolders/{quote(inbox, safe='')}/messages/delta"
        return f"{path}?{urlencode(query, safe='$,:', quote_via=quote)}"

    async def _keep_link(self) -> None:
        if not self._waiting and self._link != self._saved:
            await self._bookmark.save(self._link)
            self._saved = self._link

    async def _raw(self, ref: str) -> bytes | None:
        try:
            return await self._api.request("GET", f"{self._mailbox}/messages/{quote(ref, safe='')}/$value")
        except Missing:
            return None

    async def _in_inbox(self, ref: str) -> bool:
        try:
            url = f"{self._mailbox}/messages/{quote(ref, safe='')}?$select=parentFolderId"
            where = str((await self._api.json("GET", url)).get("parentFolderId") or "")
        except Missing:
            return False
        if not self._inbox:
            folder = await self._api.json(
                "GET", f"{self._mailbox}/mailFolders/{quote(await self._inbox_name(), safe='')}"
            )
            self._inbox = str(folder.get("id") or "")
        return where == self._inbox

    async def _inbox_name(self) -> str:
        return await self._folder_id(self._settings.inbox)

    # -- folders ------------------------------------------------------------------------------------------

    @property
    def _mailbox(self) -> str:
        return f"{self._api.base}/users/{quote(self._settings.address, safe='')}"

    async def _target(self, folder: MailFolder) -> str:
        names = {
            MailFolder.PROCESSED: self._settings.processed,
            MailFolder.UNRECOGNISED: self._settings.unrecognised,
            MailFolder.UNREADABLE: self._settings.unreadable,
        }
        return await self._folder_id(names[folder], make=True)

    async def _folder_id(self, name: str, *, make: bool = False) -> str:
        if name.casefold() in WELL_KNOWN:
            return name.casefold()
        if name not in self._folders:
            self._folders[name] = await self._find_folder(name) or (await self._make_folder(name) if make else "")
        if not self._folders[name]:
            del self._folders[name]
            raise Permanent(f"the mailbox {self._settings.address} has no folder {name!r}: see mailbox.inbox")
        return self._folders[name]

    async def _find_folder(self, name: str) -> str:
        """Return the id of a folder at the top of the mailbox or below the inbox; empty where there is none."""
        wanted = name.replace("'", "''")
        query = urlencode({"$filter": f"displayName eq '{wanted}'", "$select": "id,displayName"}, quote_via=quote)
        for path in ("mailFolders", "mailFolders/inbox/childFolders"):
            try:
                found = await self._api.json("GET", f"{self._mailbox}/{path}?{query}")
            except Missing as missing:
                raise Permanent(f"mailbox.address holds {self._settings.address!r}: {missing}") from None
            for each in found.get("value") or []:
                if str(each.get("displayName", "")).casefold() == name.casefold():
                    return str(each["id"])
        return ""

    async def _make_folder(self, name: str) -> str:
        try:
            made = await self._api.json("POST", f"{self._mailbox}/mailFolders", {"displayName": name})
        except Exists:  # another replica was quicker
            return await self._find_folder(name)
        return str(made.get("id") or "")


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _as_json(raw: bytes) -> dict[str, Any]:
    """Return a mail of ours as Graph wants it; a mail in MIME could not be checked against Graph's schema."""
    mail = message_from_bytes(raw, policy=default)
    body = mail.get_body(("plain",)) if hasattr(mail, "get_body") else None
    text = body.get_content() if body is not None else ""
    message: dict[str, Any] = {
        "subject": str(mail.get("Subject", "")),
        "body": {"contentType": "text", "content": text},
        "toRecipients": _recipients(mail, "To"),
        "ccRecipients": _recipients(mail, "Cc"),
        "bccRecipients": _recipients(mail, "Bcc"),
    }
    own = [{"name": name, "value": str(value)} for name, value in mail.items() if name.lower().startswith("x-")]
    if own:
        message["internetMessageHeaders"] = own
    return message


def _recipients(mail: Message, field: str) -> list[dict[str, Any]]:
    addresses = getaddresses([str(value) for value in mail.get_all(field, [])])
    return [{"emailAddress": {"address": address, "name": name}} for name, address in addresses if address]
