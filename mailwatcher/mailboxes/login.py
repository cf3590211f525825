"""How an account signs in at IMAP and SMTP servers alike."""

from __future__ import annotations

import re

from mailwatcher.mailboxes.addresses import is_loopback
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Mailbox, SettingsError

SCOPE = "https://outlook.office365.com/.default"
PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "EXPUNGEISSUED"})
"""IMAP's response codes that speak of the moment, not of the request."""
_CODE = re.compile(r"\[([A-Z][A-Z-]*)")


class Login:
    """Knows the account, and makes what proves it.

    Args:
        settings: A user name with a password, or with an application's token (XOAUTH2).

    Raises:
        SettingsError: Something is missing.
    """

    def __init__(self, settings: Mailbox) -> None:
        self.username = settings.username or settings.address
        if not self.username:
            raise SettingsError("mailbox.username held nothing; it needs the account's name, or mailbox.address")
        if settings.auth == "ntlm":
            raise SettingsError("mailbox.auth held 'ntlm'; with IMAP it needs oauth or password")
        self._password = settings.password.get_secret_value()
        if settings.auth == "password" and not self._password:
            raise SettingsError('mailbox.password held nothing; mailbox.auth = "password" needs the account\'s')
        self._tokens = Tokens(settings, SCOPE) if settings.auth == "oauth" else None

    @property
    def mechanism(self) -> str:
        """The name of the SASL mechanism."""
        return "XOAUTH2" if self._tokens else "PLAIN"

    def proof(self) -> str:
        """Return what the mechanism sends first. May block on asking for a token.

        Raises:
            Temporary, Permanent: There is no token to be had.
        """
        if self._tokens is None:
            return f"\0{self.username}\0{self._password}"
        return f"user={self.username}\1auth=Bearer {self._tokens.token()}\1\1"

    def password(self) -> str | None:
        """Return the password, for servers that know no mechanisms; ``None`` where there is none."""
        return None if self._tokens else self._password

    def refused(self, server: str, code: str) -> PortError:
        """Return the error for a refused login, without the server's words: they may repeat the secret.

        Args:
            server: Its name, for people.
            code: What short reason it gave.
        """
        said = f" ({code})" if code else ""
        if code in PASSING:
            return Temporary(f"{server} can't let {self.username} in just now{said}")
        if self._tokens is None:
            return Permanent(
                f"{server} refused the login of {self.username}{said}: check mailbox.username and password"
            )
        self._tokens.forget()
        advice = "check mailbox.username, and that the app registration may open this mailbox"
        return Permanent(f"{server} refused the token for {self.username}{said}: {advice}")


def code_of(error: Exception) -> str:
    """Return the response code in an IMAP server's answer, or nothing."""
    match = _CODE.search(str(error))
    return match[1] if match else ""


def words_of(error: Exception) -> str:
    """Return a server's answer as one short line."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(error)).split())[:200]


def encrypted_or_here(setting: str, host: str, tls: str) -> None:
    """Refuse to speak in the clear to another machine.

    Raises:
        SettingsError: ``tls`` is ``none`` and the host is not this machine.
    """
    if tls == "none" and not is_loopback(host):
        raise SettingsError(f"mailbox.tls held 'none' with {setting} {host!r}; it needs tls or starttls")
