"""The inbox, and the folders beside it that mail is filed into."""

from __future__ import annotations

from typing import Any

from exchangelib import errors as ews
from exchangelib.properties import FolderId
from exchangelib.util import TNS

from mailwatcher.mailboxes.exchange.calls import (
    COUNT,
    PARENT,
    CreateFolder,
    FindFolder,
    GetFolder,
    answered,
    known_folder,
)
from models.ports.checks import Finding
from models.ports.errors import Permanent, Temporary
from models.ports.mailbox import MailFolder
from models.settings import Mailbox


class Folders:
    """The folders of one mailbox, found once. The methods that take the account block.

    Args:
        settings: ``inbox``, which may be a path, and the folders beside it.
    """

    def __init__(self, settings: Mailbox) -> None:
        self._settings = settings
        self._names = {
            MailFolder.PROCESSED: settings.processed,
            MailFolder.UNRECOGNISED: settings.unrecognised,
            MailFolder.UNREADABLE: settings.unreadable,
        }
        self._inbox: Any = None
        self._parent: Any = None
        self._targets: dict[str, Any] = {}

    @property
    def found_inbox(self) -> Any:
        """The inbox's id; ``None`` while it was not looked for."""
        return self._inbox

    def inbox(self, account: Any) -> Any:
        """Return the inbox's id."""
        return self._places(account)[0]

    def target(self, account: Any, folder: MailFolder) -> Any:
        """Return the id of a folder to file into, which is made where it is missing."""
        name = self._names[folder]
        if name not in self._targets:
            parent = self._places(account)[1]
            found = _child(account, parent, name)
            if found is None:
                try:
                    found = _make_folder(account, parent, name)
                except ews.ErrorFolderExists:  # another replica was quicker
                    found = _child(account, parent, name)
                if found is None:
                    raise Temporary(f"the folder {name!r} is made and can't be found")
            self._targets[name] = found
        return self._targets[name]

    def forget_targets(self) -> None:
        """Look anew for the folders to file into."""
        self._targets.clear()

    def finding(self, account: Any) -> Finding:
        """Tell how many mails are in the inbox, and which folders are missing beside it."""
        inbox, parent = self._places(account)
        asked = GetFolder(account=account).call(folders=[inbox], additional_fields=[COUNT], shape="Default")
        folder = answered(asked)[0]
        title, number = folder.findtext(f"{{{TNS}}}DisplayName"), folder.findtext(f"{{{TNS}}}TotalCount")
        missing = [name for name in self._names.values() if _child(account, parent, name) is None]
        later = f"; {', '.join(missing)} will be made when first needed" if missing else ""
        return Finding("mailbox", True, f"{self._settings.address}: {number} mails in {title!r}{later}")

    def _places(self, account: Any) -> tuple[Any, Any]:
        """Return the inbox, and the folder that it is in."""
        if self._inbox is None:
            first, *rest = [part for part in self._settings.inbox.split("/") if part] or ["inbox"]
            if first.casefold() == "inbox":
                inbox, parent = _distinguished(account, "inbox")
            else:
                parent, _ = _distinguished(account, "msgfolderroot")
                inbox = self._below(account, parent, first)
            for part in rest:
                parent, inbox = inbox, self._below(account, inbox, part)
            self._inbox, self._parent = inbox, parent
        return self._inbox, self._parent

    def _below(self, account: Any, parent: Any, name: str) -> Any:
        found = _child(account, parent, name)
        if found is None:
            text = f"the mailbox {self._settings.address} has no folder {name!r}: see mailbox.inbox"
            raise Permanent(text)
        return found


def _distinguished(account: Any, name: str) -> tuple[Any, Any]:
    """Return the id of a folder that each mailbox has, and of the one that it is in."""
    known = known_folder(account, name)
    found = answered(GetFolder(account=account).call(folders=[known], additional_fields=[PARENT], shape="IdOnly"))[
        0
    ]
    above = found.find(f"{{{TNS}}}ParentFolderId")
    return _id(found), FolderId(id=above.get("Id")) if above is not None else None


def _child(account: Any, parent: Any, name: str) -> Any:
    for folder in answered(FindFolder(account=account).children(parent)):
        if (folder.findtext(f"{{{TNS}}}DisplayName") or "").casefold() == name.casefold():
            return _id(folder)
    return None


def _make_folder(account: Any, parent: Any, name: str) -> Any:
    return _id(answered(CreateFolder(account=account).make(parent, name))[0])


def _id(folder: Any) -> Any:
    return FolderId(id=folder.find(f"{{{TNS}}}FolderId").get("Id"))
