"""Exchange's SOAP: how answers and errors are written, and Microsoft's schemas for them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from lxml import etree

SCHEMAS = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "ews"
S = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
E = "http://schemas.microsoft.com/exchange/services/2006/errors"


@functools.cache
def schema() -> Any:
    """Return Microsoft's schemas; ``None`` where they are not at hand."""
    file = SCHEMAS / "messages.xsd"
    return etree.XMLSchema(etree.parse(str(file))) if file.is_file() else None


class SoapError(Exception):
    """One response message that is an error."""

    def __init__(self, code: str, text: str = "", xml: str = "") -> None:
        super().__init__(code)
        self.code, self.text, self.xml = code, text or f"This is {code}.", xml


class SoapFault(Exception):
    """A SOAP fault in place of any response message."""

    def __init__(self, code: str, milliseconds: int | None = None) -> None:
        super().__init__(code)
        self.code, self.milliseconds = code, milliseconds


def message(operation: str, content: str = "", error: SoapError | None = None) -> str:
    tag = f"m:{operation}ResponseMessage"
    if error is None:
        return f'<{tag} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}</{tag}>'
    if operation in ("GetItem", "MoveItem", "CreateItem"):
        content = "<m:Items/>"
    elif operation in ("GetFolder", "CreateFolder"):
        content = "<m:Folders/>"
    elif operation == "SyncFolderItems":
        content = "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
    return (
        f'<{tag} ResponseClass="Error"><m:MessageText>{error.text}</m:MessageText>'
        f"<m:ResponseCode>{error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
        f"{error.xml}{content}</{tag}>"
    )


def fault_of(fault: SoapFault) -> bytes:
    wait = f'<t:Value Name="BackOffMilliseconds">{fault.milliseconds}</t:Value>' if fault.milliseconds else ""
    xml = f'<t:MessageXml xmlns:t="{T}">{wait}</t:MessageXml>' if wait else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{S}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{T}">a:{fault.code}</faultcode><faultstring>Refused.</faultstring>'
        f'<detail><e:ResponseCode xmlns:e="{E}">{fault.code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{E}">Refused.</e:Message>{xml}</detail></s:Fault></s:Body></s:Envelope>'
    ).encode()


def responses(operation: str, messages: list[str]) -> str:
    """Return the response messages of an operation as one element."""
    return (
        f'<m:{operation}Response xmlns:m="{M}" xmlns:t="{T}"><m:ResponseMessages>'
        f"{''.join(messages)}</m:ResponseMessages></m:{operation}Response>"
    )


def enveloped(inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{S}"><s:Header>'
        f'<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" '
        f'Version="V2017_07_11" xmlns:h="{T}"/></s:Header><s:Body>{inner}</s:Body></s:Envelope>'
    ).encode()
