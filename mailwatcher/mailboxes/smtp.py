"""Sends mail: IMAP itself can't."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from email import policy
from email.errors import MessageError
from email.headerregistry import AddressHeader
from email.parser import BytesHeaderParser

from mailwatcher.mailboxes.addresses import host_and_port
from mailwatcher.mailboxes.login import Login, encrypted_or_here
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.settings import Mailbox

PORTS = {"tls": 465, "starttls": 587, "none": 25}
SUBMISSION = 587
TIMEOUT_SECONDS = 30.0
_BCC = re.compile(rb"^bcc[ \t]*:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Smtp:
    """Sends mail in an account's name, to all of its recipients or to none.

    Args:
        settings: ``smtp_server`` and ``tls``; port 587 speaks STARTTLS even where the mailbox speaks TLS, for that
            is what the port is for.
        login: The account.

    Raises:
        SettingsError: The server's name is none, or it would be spoken to in the clear.
    """

    def __init__(self, settings: Mailbox, login: Login) -> None:
        self._host, self._port = host_and_port("mailbox.smtp_server", settings.smtp_server, PORTS[settings.tls])
        encrypted_or_here("mailbox.smtp_server", self._host, settings.tls)
        self._implicit = settings.tls == "tls" and self._port != SUBMISSION
        self._encrypted = settings.tls != "none"
        self._sender = settings.address or login.username
        self._login = login
        self._name = f"{self._host}:{self._port}"

    def send(self, raw: bytes) -> None:
        """Send one mail. Blocks. Errors as for ``models.ports.mailbox.Mailbox.send``."""
        recipients = recipients_of(raw)
        if not recipients:
            raise Permanent("the mail names no recipient in To, Cc or Bcc")
        server = self._connected()
        try:
            self._sign_in(server)
            self._deliver(server, recipients, without_bcc(raw))
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
        except smtplib.SMTPResponseException as error:
            raise self._refusal("the mail", error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Temporary(f"{self._name} went away before it had the mail ({type(error).__name__})") from None
        except ValueError:
            raise Permanent(f"{self._name} takes neither names nor addresses with such characters") from None
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        try:
            if self._implicit:
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
            return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        except ssl.SSLCertVerificationError as error:
            raise self._distrusted(error) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Temporary(f"{self._name} can't be reached ({type(error).__name__})") from None

    def _distrusted(self, error: ssl.SSLCertVerificationError) -> Permanent:
        return Permanent(f"{self._name} shows a certificate that is not to be trusted: {error.verify_message}")

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self._encrypted and not self._implicit:
            try:
                server.starttls(context=ssl.create_default_context())
            except ssl.SSLCertVerificationError as error:
                raise self._distrusted(error) from None
            except smtplib.SMTPNotSupportedError:
                raise Permanent(f"{self._name} knows no STARTTLS: check mailbox.smtp_server and tls") from None
        server.ehlo_or_helo_if_needed()
        if not server.has_extn("auth"):  # a relay that knows us by where we are
            return
        mechanisms = server.esmtp_features.get("auth", "").upper().split()
        password = self._login.password()
        try:
            if password is not None and "PLAIN" not in mechanisms:
                server.login(self._login.username, password)
            else:
                first = self._login.proof()
                server.auth(self._login.mechanism, lambda challenge=None: first if challenge is None else "")
        except smtplib.SMTPResponseException as error:
            if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code < 500:
                raise Temporary(f"{self._name} can't let anybody in just now ({error.smtp_code})") from None
            raise self._login.refused(self._name, str(error.smtp_code)) from None
        except smtplib.SMTPNotSupportedError:
            raise Permanent(f"{self._name} knows no way to sign in that mailbox.auth has") from None

    def _deliver(self, server: smtplib.SMTP, recipients: list[str], raw: bytes) -> None:
        options = []
        if not raw.isascii() and server.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        if not all(address.isascii() for address in (self._sender, *recipients)):
            if not server.has_extn("smtputf8"):
                raise Permanent(f"{self._name} takes no addresses with characters beyond ASCII")
            options.append("SMTPUTF8")
        code, _ = server.mail(self._sender, options)
        if code != 250:
            raise self._refusal(f"the sender {self._sender}", code)
        for address in recipients:
            code, _ = server.rcpt(address)
            if code not in (250, 251):
                raise self._refusal(f"the recipient {address}", code)
        code, _ = server.docmd("DATA")
        if code != 354:
            raise self._refusal("the mail", code)
        try:
            server.send(re.sub(rb"(?m)^\.", b"..", raw) + b".\r\n")
            code, _ = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise Ambiguous(f"{self._name} may have taken the mail: no answer ({type(error).__name__})") from None
        if code != 250:
            raise self._refusal("the mail", code)

    def _refusal(self, what: str, code: int) -> PortError:
        text = f"{self._name} refused {what} ({code})"
        return Permanent(text) if 500 <= code < 600 else Temporary(text)


def recipients_of(raw: bytes) -> list[str]:
    """Return the addresses in ``To``, ``Cc`` and ``Bcc``, each once."""
    try:
        headers = BytesHeaderParser(policy=policy.SMTP).parsebytes(raw)
        fields = [field for name in ("to", "cc", "bcc") for field in headers.get_all(name, [])]
    except (MessageError, ValueError, LookupError, AttributeError):
        raise Permanent("the addresses of the mail can't be read") from None
    found = [one.addr_spec for field in fields if isinstance(field, AddressHeader) for one in field.addresses]
    return list(dict.fromkeys(address for address in found if "@" in address))


def without_bcc(raw: bytes) -> bytes:
    """Return the mail as it is sent: lines end in CRLF, and nobody reads who got a blind copy."""
    text = _LINE_END.sub(b"\r\n", raw)
    if not text.endswith(b"\r\n"):
        text += b"\r\n"
    head, blank, body = text.partition(b"\r\n\r\n")
    return _BCC.sub(b"", head + b"\r\n") + blank[2:] + body
