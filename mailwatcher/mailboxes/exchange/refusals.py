"""What Exchange's errors mean to those who use a mailbox."""

from __future__ import annotations

import logging

import requests
from exchangelib import errors as ews
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.settings import Mailbox

log = logging.getLogger(__name__)

LONGEST_WAIT = 3600.0
PASSING = (
    ews.ErrorADUnavailable,
    ews.ErrorConnectionFailed,
    ews.ErrorExceededConnectionCount,
    ews.ErrorInternalServerTransientError,
    ews.ErrorMailboxMoveInProgress,
    ews.ErrorMailboxStoreUnavailable,
    ews.ErrorTooManyObjectsOpened,
)
"""What passes by itself, and was surely not done."""
UNDER = {
    "mailbox.access": (
        ews.ErrorAccessDenied,
        ews.ErrorImpersonateUserDenied,
        ews.ErrorImpersonationDenied,
        ews.ErrorImpersonationFailed,
    ),
    "mailbox.address": (
        ews.ErrorInvalidSmtpAddress,
        ews.ErrorMissingEmailAddress,
        ews.ErrorNonExistentMailbox,
        ews.ErrorNonPrimarySmtpAddress,
        ews.ErrorSendAsDenied,
    ),
    "mailbox.username": (ews.ErrorAccountDisabled, ews.ErrorPasswordChangeRequired, ews.ErrorPasswordExpired),
    "mailbox.inbox": (ews.ErrorFolderNotFound, ews.ErrorSyncFolderNotFound),
    "mailbox.server": (
        ews.ErrorIncorrectSchemaVersion,
        ews.ErrorInvalidRequest,
        ews.ErrorInvalidSchemaVersionForMailboxVersion,
        ews.ErrorInvalidServerVersion,
        ews.ErrorSchemaValidation,
    ),
}
"""Refusals that need a person, under the setting to look at."""


class Refused(ews.EWSError):
    """An answer that is not Exchange's own.

    Args:
        status: The HTTP status.
        retry_after: Seconds that the other side asked to wait.
    """

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


def refusal(error: Exception, settings: Mailbox, *, sending: bool) -> PortError:
    """Say what an error means; only a mail that is being sent can be in doubt."""
    if isinstance(error, PortError):
        return error
    if isinstance(error, ews.UnauthorizedError):
        return _not_signed_in(settings)
    if isinstance(error, Refused):
        return _by_status(error, sending=sending)
    if isinstance(error, ews.ErrorServerBusy):
        return Temporary("Exchange asks to wait", _capped(error.back_off))
    for setting, kinds in UNDER.items():
        if isinstance(error, kinds):
            return Permanent(f"Exchange refuses: {said(error)}: check {setting}")
    if isinstance(error, PASSING):
        return Temporary(f"Exchange is not ready: {said(error)}")
    if isinstance(error, ews.ResponseMessageError) and not isinstance(error, ews.ErrorTimeoutExpired):
        text = f"Exchange refuses: {said(error)}"
        return Permanent(text) if sending else Temporary(text)
    return _lost(error, sending=sending)


def _not_signed_in(settings: Mailbox) -> PortError:
    keys = "tenant_id, client_id and the secret" if settings.auth == "oauth" else "username and password"
    return Permanent(f"Exchange refuses to sign in (401): check mailbox.{keys}, and mailbox.auth")


def _by_status(error: Refused, *, sending: bool) -> PortError:
    text = f"Exchange answered {error.status}"
    if error.status in (429, 503):
        return Temporary(text, error.retry_after)
    if error.status == 408 or error.status >= 500:
        return Ambiguous(text) if sending else Temporary(text, error.retry_after)
    setting = "mailbox.access" if error.status == 403 else "mailbox.ews_url or mailbox.server"
    return Permanent(f"{text}: check {setting}")


def _lost(error: Exception, *, sending: bool) -> PortError:
    """Say what an error on the way means."""
    cause = error.__context__ if isinstance(error.__context__, requests.RequestException) else error
    if isinstance(cause, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return Permanent("Exchange's certificate is not trusted here: check mailbox.server and REQUESTS_CA_BUNDLE")
    if isinstance(cause, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Permanent("Exchange's address is not one: check mailbox.ews_url or mailbox.server")
    text = f"Exchange can't be reached: {type(cause).__name__}"
    if not isinstance(cause, ews.EWSError | requests.RequestException):
        log.warning("Exchange's answer can't be read: %s", type(cause).__name__, exc_info=error)
    return Ambiguous(text) if sending and not _unsent(cause) else Temporary(text)


def _unsent(error: BaseException) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def said(error: Exception) -> str:
    """Return an error's kind and text in a line."""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def asked_wait(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` asks to wait, an hour at most."""
    return _capped(float(value)) if value and value.strip().isdigit() else None


def _capped(seconds: float | None) -> float | None:
    return None if seconds is None else min(LONGEST_WAIT, max(0.0, seconds))
