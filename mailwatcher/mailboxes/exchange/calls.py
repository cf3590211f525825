"""What is asked of Exchange, as exchangelib's requests, whose answers are given as they came."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

from exchangelib import errors as ews
from exchangelib import services
from exchangelib.fields import FieldPath
from exchangelib.folders import Folder
from exchangelib.items import Message
from exchangelib.properties import DistinguishedFolderId
from exchangelib.properties import Mailbox as Owner
from exchangelib.services.common import EWSAccountService, folder_ids_element
from exchangelib.util import TNS, DummyResponse, add_xml_child, create_element

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of a mail that are kept."""
BROKEN = (
    ews.ErrorContentConversionFailed,
    ews.ErrorCorruptData,
    ews.ErrorItemCorrupt,
    ews.ErrorMessageSizeExceeded,
    ews.ErrorMimeContentConversionFailed,
    ews.ErrorMimeContentInvalid,
)
"""What Exchange says of a mail that it holds and can't give as MIME."""

MIME = FieldPath(field=Message.get_field_by_fieldname("mime_content"))
RECEIVED = FieldPath(field=Message.get_field_by_fieldname("datetime_received"))
SIZE = FieldPath(field=Message.get_field_by_fieldname("size"))
NAME = FieldPath(field=Folder.get_field_by_fieldname("name"))
PARENT = FieldPath(field=Folder.get_field_by_fieldname("parent_folder_id"))
COUNT = FieldPath(field=Folder.get_field_by_fieldname("total_count"))


class _Raw(EWSAccountService):
    """Gives the elements of an answer as they came: exchangelib has no class for some, and would raise."""

    def _elems_to_objs(self, elems: Any) -> Any:
        return elems

    @staticmethod
    def _get_exception(code: Any, text: Any, msg_xml: Any = None, rule_errors: Any = None) -> Any:
        error = EWSAccountService._get_exception(code, text or "", msg_xml, rule_errors)
        if isinstance(error, ews.ErrorServerBusy) and msg_xml is not None:
            error.back_off = _back_off(msg_xml)
        return error


class _Whole(_Raw):
    """Reads an answer at once, not byte by byte: a mail of some megabytes would take seconds."""

    @classmethod
    def _get_soap_parts(cls, response: Any) -> Any:
        return super()._get_soap_parts(DummyResponse(content=response.content))


class GetItem(_Whole, services.GetItem):
    """Reads mails. What is wrong with one is given in its place."""

    ERRORS_TO_CATCH_IN_RESPONSE = (
        *services.GetItem.ERRORS_TO_CATCH_IN_RESPONSE,
        *BROKEN,
        ews.ErrorInternalServerError,
    )


class SyncFolderItems(_Whole, services.SyncFolderItems):
    """Tells what came into a folder and went out of it since a state."""

    def _get_element_container(self, message: Any, name: Any = None) -> Any:
        if message.get("ResponseClass") != "Success":  # an error need not hold a state
            return EWSAccountService._get_element_container(self, message, name)
        return super()._get_element_container(message, name)


class GetFolder(_Whole, services.GetFolder):
    """Tells of folders whose ids are known."""


class GetStreamingEvents(_Raw, services.GetStreamingEvents):
    """Holds a streaming connection, and gives what it announces."""


class MoveItem(_Whole, services.MoveItem):
    """Moves mails into a folder."""


class FindFolder(_Whole, services.FindFolder):
    """Looks for folders."""

    def children(self, parent: Any) -> Iterable[Any]:
        """Yield the folders directly below one."""
        found: Iterable[Any] = self._paged_call(
            payload_func=self.get_payload,
            max_items=None,
            folders=[parent],
            additional_fields=[NAME],
            restriction=None,
            shape="IdOnly",
            depth="Shallow",
            page_size=self.page_size,
            offset=0,
        )
        return found


class CreateFolder(_Whole, services.CreateFolder):
    """Makes folders."""

    def make(self, parent: Any, name: str) -> Iterable[Any]:
        """Make a folder for mail."""
        payload = create_element("m:CreateFolder")
        payload.append(folder_ids_element([parent], version=self.account.version, tag="m:ParentFolderId"))
        folder = create_element("t:Folder")
        add_xml_child(folder, "t:FolderClass", "IPF.Note")
        add_xml_child(folder, "t:DisplayName", name)
        folders = create_element("m:Folders")
        folders.append(folder)
        payload.append(folders)
        made: Iterable[Any] = self._get_elements(payload=payload)
        return made


class CreateItem(_Whole, services.CreateItem):
    """Sends mails."""

    def send(self, raw: bytes) -> Iterable[Any]:
        """Send a mail, and keep a copy where the mailbox keeps what it sent."""
        payload = create_element("m:CreateItem", attrs={"MessageDisposition": "SendAndSaveCopy"})
        kept = [known_folder(self.account, "sentitems")]
        payload.append(folder_ids_element(kept, version=self.account.version, tag="m:SavedItemFolderId"))
        mail = create_element("t:Message")
        mime = create_element("t:MimeContent", attrs={"CharacterSet": "UTF-8"})
        mime.text = base64.b64encode(raw).decode("ascii")
        mail.append(mime)
        items = create_element("m:Items")
        items.append(mail)
        payload.append(items)
        sent: Iterable[Any] = self._get_elements(payload=payload)
        return sent


def known_folder(account: Any, name: str) -> Any:
    """Return how to name a folder that each mailbox has."""
    return DistinguishedFolderId(id=name, mailbox=Owner(email_address=account.primary_smtp_address))


def answered(elements: Iterable[Any]) -> list[Any]:
    """Return what was answered. Raises the first error in it."""
    found = list(elements)
    for each in found:
        if isinstance(each, Exception):
            raise each
    return found


def mime_of(item: Any) -> bytes:
    """Return a mail as it came, of a large one its beginning."""
    text: str = item.findtext(f"{{{TNS}}}MimeContent") or ""
    needed = (SIZE_LIMIT + 2) // 3 * 4
    if len(text) > needed:
        text = re.sub(r"\s+", "", text)[:needed]
    return base64.b64decode(text)[:SIZE_LIMIT]


def _back_off(message: Any) -> float | None:
    for value in message.iter(f"{{{TNS}}}Value"):
        if value.get("Name") == "BackOffMilliseconds" and (value.text or "").strip().isdigit():
            return int(value.text) / 1000
    return None
