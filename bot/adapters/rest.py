"""One request to a REST interface, one answer, and exactly what is known where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
from yarl import URL

from models.ports.errors import Ambiguous, Permanent, PortError, Temporary

CONNECT_SECONDS = 5.0
MOST_BYTES = 16 * 1024 * 1024
"""An answer that is longer is cut, and so not understood."""
_LONGEST_WAIT = 3600.0
_DIGITS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said, whatever its status."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def good(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    @property
    def unsure(self) -> bool:
        """Whether it may have done what it was asked although it says that it failed."""
        return self.status >= 500 or self.status == 408

    def json(self) -> Any:
        """Return the body.

        Raises:
            ValueError: It is not JSON.
        """
        return orjson.loads(self.raw)

    def wait(self, now: datetime) -> float | None:
        """Return the seconds of ``Retry-After``, at most an hour; ``None`` where it does not say, or not so that
        it could be understood.
        """
        told = self.headers.get("Retry-After", "")
        if _DIGITS.fullmatch(told):
            return min(_LONGEST_WAIT, max(1.0, float(told)))
        try:
            at = parsedate_to_datetime(told)
        except (ValueError, TypeError):
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
        return min(_LONGEST_WAIT, max(1.0, seconds))


class Requests:
    """Makes each request once. Redirects are not followed, so that a token goes to no other host.

    Args:
        who: What the other side is called, for people.
        seconds: How long to wait for an answer.
    """

    def __init__(self, who: str, seconds: float) -> None:
        self._who = who
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: bytes | Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """Send one request.

        Args:
            url: Encoded already.
            data: A body as it is, or the fields of a form.
            repeatable: Whether it may be made again where the answer is lost.

        Raises:
            Temporary: It did not come there, or it may be repeated.
            Ambiguous: The answer was lost, and it must not be repeated before somebody has looked.
            Permanent: The address can't be used.
        """
        try:
            async with self._connection().request(
                method, URL(url, encoded=True), data=data, headers=headers, allow_redirects=False
            ) as response:
                return Answer(response.status, response.headers, await _most(response.content))
        except (aiohttp.InvalidURL, ValueError) as error:
            raise Permanent(f"the address of {self._who} can't be used: {type(error).__name__}") from None
        except aiohttp.ClientConnectorCertificateError:
            raise Temporary(f"the certificate of {self._who} is not trusted") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Temporary(f"{self._who} can't be reached: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.lost(f"the answer of {self._who} was lost: {type(error).__name__}", repeatable) from None

    def lost(self, message: str, repeatable: bool) -> PortError:
        """Return the error for a request of which nobody knows whether it was carried out."""
        return Temporary(message) if repeatable else Ambiguous(message, self._seconds)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            connect = min(CONNECT_SECONDS, self._seconds / 2)
            timeout = aiohttp.ClientTimeout(total=self._seconds, connect=connect, sock_connect=connect)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


async def _most(content: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for part in content.iter_any():
        found += part[: MOST_BYTES - len(found)]
        if len(found) >= MOST_BYTES:
            break
    return bytes(found)
