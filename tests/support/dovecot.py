"""A real IMAP server: Debian's Dovecot, 2.3 or 2.4, on loopback, in a folder of its own.

Every user name is let in with ``PASSWORD``, so that each test has a mailbox of its own; ``OAUTH_USER`` also with
``TOKEN`` by XOAUTH2. Started by root it reads mail as ``nobody``, for Dovecot reads none as root; started by
anybody else it is that user.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import grp
import hashlib
import ipaddress
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from imapclient import IMAPClient

from mailwatcher.mailboxes.imap import ImapMailbox
from models.settings import Mailbox

PASSWORD = 'corr\u00e8ct "horse\\ {5}'
PASSWORD_HASH = "{SHA256}" + base64.b64encode(hashlib.sha256(PASSWORD.encode()).digest()).decode()
OAUTH_USER = "oauth@example.com"
TOKEN = "eyJ0.the-token"
WITHOUT_MOVE = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ NAMESPACE CHILDREN UIDPLUS UNSELECT"


def dovecot() -> str | None:
    """Where Dovecot is: the variable ``DOVECOT``, or on the path, or where Debian puts it."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return os.environ.get("DOVECOT") or shutil.which("dovecot", path=path)


def version() -> tuple[int, int]:
    program = dovecot()
    assert program
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.match(r"(\d+)\.(\d+)", told)
    assert match, told
    return int(match[1]), int(match[2])


class Dovecot:
    """One server.

    Args:
        capability: What it says it can; by default all that it can.
        prefix, separator: The account's own namespace.
    """

    def __init__(self, capability: str = "", prefix: str = "", separator: str = "/") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wilson-dovecot-"))
        self.folder.chmod(0o755)
        self.prefix = prefix
        self.separator = separator
        self.port, self.tls_port = _free_port(), _free_port()
        self.certificate = self.folder / "cert.pem"
        self._capability = capability
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens = _TokenEndpoint()
        self._prepare()

    def start(self) -> None:
        program = dovecot()
        assert program
        with (self.folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [program, "-F", "-c", str(self.folder / "dovecot.conf")], stderr=stderr, start_new_session=True
            )
        for _ in range(200):
            if self._process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    if connection.recv(4) == b"* OK":
                        return
            except OSError:
                pass
            time.sleep(0.05)
        said = self.log()
        self.kill()
        raise AssertionError(f"Dovecot did not start: {said}")

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process is None:
            return
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
            self._process.wait(10)
            for _ in range(100):  # until the last of them is gone, which may still write
                os.killpg(group, 0)
                time.sleep(0.02)
        self._process.wait(10)
        self._process = None
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        (self.folder / "run").mkdir(mode=0o755)

    def close(self) -> None:
        self.kill()
        self._tokens.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        files = [self.folder / name for name in ("stderr", "dovecot.log")]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def new_user(self) -> str:
        return f"{uuid.uuid4().hex[:12]}@example.com"

    def client(self, user: str) -> IMAPClient:
        """Connect as somebody else who reads the same mailbox."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
        client.normalise_times = False
        client.plain_login(user, PASSWORD)
        return client

    def account(self, user: str = "") -> Account:
        return Account(self, user or self.new_user())

    def maildir(self, user: str) -> Path:
        return self.folder / "mail" / user

    def _prepare(self) -> None:
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(mode=0o755)
        self_signed(self.certificate, self.folder / "key.pem")
        if os.geteuid() == 0:
            reader = pwd.getpwnam("nobody")
            os.chown(self.folder / "mail", reader.pw_uid, reader.pw_gid)
        else:
            reader = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(reader.pw_gid).gr_name
        config = _new_config if version() >= (2, 4) else _old_config
        written = config(self.folder, self.port, self.tls_port, self._tokens.url)
        written += _namespace(self.prefix, self.separator)
        for key, value in {
            "MAIL_UID": str(reader.pw_uid),
            "MAIL_GID": str(reader.pw_gid),
            "CAPABILITY": f"imap_capability = {self._capability}" if self._capability else "",
            "USERS": "" if os.geteuid() == 0 else _as_user(reader.pw_name, group),
        }.items():
            written = written.replace(key, value)
        (self.folder / "dovecot.conf").write_text(written, encoding="utf-8")


class Account:
    """One user's mailbox, seen by somebody else than Wilson."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self.server = server
        self.user = user

    def settings(self, **changed: Any) -> Mailbox:
        held = {
            "kind": "imap",
            "server": f"127.0.0.1:{self.server.port}",
            "tls": "none",
            "auth": "password",
            "address": self.user,
            "password": PASSWORD,
        }
        return Mailbox(**{**held, **changed})

    def mailbox(self, since: datetime.datetime | None = None, **changed: Any) -> ImapMailbox:
        return ImapMailbox(self.settings(**changed), NoBookmark(), since)

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        client = self.server.client(self.user)
        try:
            yield client
        finally:
            client.logout()

    def deliver(self, raw: bytes, received_at: datetime.datetime | None = None, folder: str = "INBOX") -> None:
        with self.client() as client:
            client.append(folder, raw, msg_time=received_at)

    def place(self, folder: str) -> str:
        name = folder.replace("/", self.server.separator)
        return "INBOX" if folder.upper() == "INBOX" else self.server.prefix + name

    def held(self, folder: str = "INBOX") -> list[bytes]:
        """Return the mails of a folder that nobody marked as deleted, in the order of their numbers."""
        with self.client() as client:
            if not client.folder_exists(self.place(folder)):
                return []
            client.select_folder(self.place(folder), readonly=True)
            rows = client.fetch(client.search(["UNDELETED"]), ["BODY.PEEK[]"])
            return [rows[uid][b"BODY[]"] for uid in sorted(rows)]

    def flags(self, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
        with self.client() as client:
            client.select_folder(self.place(folder), readonly=True)
            rows = client.get_flags(client.search())
            return [rows[uid] for uid in sorted(rows)]


class NoBookmark:
    """A bookmark that nobody may use."""

    async def load(self) -> str:
        raise AssertionError("an IMAP mailbox needs no bookmark")

    async def save(self, text: str) -> None:
        raise AssertionError("an IMAP mailbox needs no bookmark")


def _as_user(name: str, group: str) -> str:
    """Return the settings with which nobody need be root: no other user, no change of the root folder."""
    services = "\n".join(f"service {service} {{\n chroot =\n}}" for service in ("imap-login", "anvil", "stats"))
    return f"""
default_login_user = {name}
default_internal_user = {name}
default_internal_group = {group}
{services}
"""


def _namespace(prefix: str, separator: str) -> str:
    return f"""
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
}}
"""


def _listeners(port: int, tls_port: int) -> str:
    return f"""
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


def _old_config(folder: Path, port: int, tls_port: int, tokens: str) -> str:
    """Return what Dovecot 2.3 reads."""
    (folder / "oauth2.conf").write_text(
        f"introspection_url = {tokens}\nintrospection_mode = post\nusername_attribute = username\n"
        "active_attribute = active\nactive_value = true\n"
    )
    return f"""
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {folder.name}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 1
auth_failure_delay = 0s
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
mail_fsync = never
mail_max_userip_connections = 50
mail_location = maildir:{folder}/mail/%u
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
CAPABILITY
USERS
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={PASSWORD_HASH}
}}
userdb {{
  driver = static
  args = uid=MAIL_UID gid=MAIL_GID home={folder}/mail/%u
}}
{_listeners(port, tls_port)}
"""


def _new_config(folder: Path, port: int, tls_port: int, tokens: str) -> str:
    """Return what Dovecot 2.4 reads."""
    return f"""
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {folder.name}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 1
auth_failure_delay = 0s
auth_allow_cleartext = yes
auth_mechanisms = plain login xoauth2
mail_fsync = never
mail_max_userip_connections = 50
mail_driver = maildir
mail_home = {folder}/mail/%{{user}}
mail_path = {folder}/mail/%{{user}}
mail_uid = MAIL_UID
mail_gid = MAIL_GID
ssl = yes
ssl_server_cert_file = {folder}/cert.pem
ssl_server_key_file = {folder}/key.pem
CAPABILITY
USERS
oauth2 {{
  introspection_url = {tokens}
  introspection_mode = post
  username_attribute = username
  active_attribute = active
  active_value = true
}}
passdb static {{
  password = "{PASSWORD_HASH}"
}}
userdb static {{
  fields {{
    uid = MAIL_UID
    gid = MAIL_GID
    home = {folder}/mail/%{{user}}
  }}
}}
{_listeners(port, tls_port)}
"""


class _TokenEndpoint:
    """Tells Dovecot about tokens: ``TOKEN`` is good for whoever names it, everything else for nobody."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                active = form.get("token") == [TOKEN]
                answer = json.dumps({"active": active, "username": OAUTH_USER, "scope": "imap"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/introspect"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def self_signed(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test of Wilson")])
    now = datetime.datetime.now(datetime.UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(local, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
