"""The stand-in Exchange over HTTP: signing in, and answers that are streamed."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import sys
import time
import traceback
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

USERNAME = "wilson"
PASSWORD = "pass-Wörd"

Answer = tuple[int, dict[str, str], bytes]


class HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.owner: Any = self.RequestHandlerClass.owner  # type: ignore[attr-defined]
        self._open: set[Any] = set()

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            self.owner.violations.append(traceback.format_exc())

    def cut(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(2)


class Handler(BaseHTTPRequestHandler):
    """Speaks for its owner, the server in memory."""

    owner: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.negotiated = ""

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/oauth2/v2.0/token"):
            self._token(body)
            return
        refused = self._refused(self.headers.get("Authorization") or "")
        if refused is not None:
            self._reply(*refused)
            return
        try:
            answer = self.owner.answer(dict(self.headers), body)
        except ConnectionAbortedError:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        if isinstance(answer, str):
            self._stream(answer)
        else:
            self._reply(*answer)

    def _refused(self, shown: str) -> Answer | None:
        """Return a refusal unless whoever asks is signed in."""
        owner = self.owner
        if owner.auth == "basic":
            wanted = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode("latin-1")).decode()
            return None if shown == wanted else (401, {"WWW-Authenticate": 'Basic realm="ews"'}, b"")
        if owner.auth == "bearer":
            known = shown.removeprefix("Bearer ") in owner.tokens
            return None if known else (401, {"WWW-Authenticate": "Bearer"}, b"")
        if self.negotiated:
            return None
        kind, _, text = shown.partition(" ")
        token = base64.b64decode(text) if kind in ("NTLM", "Negotiate") else b""
        if token[:12] == b"NTLMSSP\0\x01\0\0\0":
            owner.requests.append(("NTLM 1", dict(self.headers), None))
            return 401, {"WWW-Authenticate": f"{kind} {base64.b64encode(challenge()).decode()}"}, b""
        if token[:12] == b"NTLMSSP\0\x03\0\0\0":
            owner.requests.append(("NTLM 3", dict(self.headers), None))
            self.negotiated = user_of(token)
            return None if self.negotiated == USERNAME else (401, {"WWW-Authenticate": "NTLM"}, b"")
        return 401, {"WWW-Authenticate": "NTLM"}, b""

    def _token(self, body: bytes) -> None:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        self.owner.forms.append(form | {"path": self.path})
        token = f"token-{len(self.owner.forms)}"
        self.owner.tokens.append(token)
        answer = {"token_type": "Bearer", "expires_in": 3600, "access_token": token}
        self._reply(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        sent = {"Content-Type": "text/xml; charset=utf-8"} | headers
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 2000:
            body = gzip.compress(body, 1)
            sent["Content-Encoding"] = "gzip"
        for name, value in (sent | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, subscription: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True

        def write(part: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

        with suppress(OSError):
            self.owner.stream(subscription, write)
            self.wfile.write(b"0\r\n\r\n")


def challenge() -> bytes:
    """Return an NTLM type 2 message."""
    name = "EXAMPLE".encode("utf-16-le")
    pairs = b"".join(struct.pack("<HH", kind, len(name)) + name for kind in (1, 2))
    ticks = int((time.time() + 11644473600) * 10_000_000)
    pairs += struct.pack("<HHQ", 7, 8, ticks) + struct.pack("<HH", 0, 0)
    flags = 0x00000001 | 0x00000004 | 0x00000200 | 0x00010000 | 0x00080000 | 0x00800000 | 0x20000000 | 0x80000000
    head = struct.pack("<8sI", b"NTLMSSP\0", 2) + struct.pack("<HHI", len(name), len(name), 56)
    head += struct.pack("<I8s8s", flags, b"01234567", b"\0" * 8)
    head += struct.pack("<HHI", len(pairs), len(pairs), 56 + len(name)) + b"\x0a\0\0\0\0\0\0\x0f"
    return head + name + pairs


def user_of(message: bytes) -> str:
    """Return the user that an NTLM type 3 message names."""
    length, _, offset = struct.unpack_from("<HHI", message, 36)
    return message[offset : offset + length].decode("utf-16-le")
