"""Settings: defaults, the environment, secrets from files, and errors that name the setting."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from models.settings import Settings, SettingsError, Web
from models.settings_file import PREFIX, read_settings

SECRET = "hunter2-do-not-show"
SECRETS = [
    ("teams", "app_password"),
    ("mailbox", "client_secret"),
    ("mailbox", "password"),
    ("tracker", "token"),
    ("tracker", "webhook_secret"),
    ("tracker", "webhook_signing_token"),
    ("halo", "client_secret"),
    ("directory", "client_secret"),
    ("status_page", "api_key"),
    ("status_page", "url"),
    ("paging", "url"),
    ("paging", "routing_key"),
    ("paging", "token"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a ``wilson.toml`` of the working directory out of it."""
    monkeypatch.chdir(tmp_path)


def from_toml(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "ours.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, environ)


def error_of(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        from_toml(tmp_path, text, **environ)
    told = str(caught.value)
    assert "\n" not in told
    assert SECRET not in told
    return told


DEFAULTS: dict[str, dict[str, Any]] = {
    "database": {"url": "sqlite://var/wilson.db"},
    "web": {"host": "127.0.0.1", "port": 3978, "public_url": ""},
    "teams": {
        "app_id": "",
        "certificate": "",
        "managed_identity": False,
        "tenant_id": "",
        "app_type": "SingleTenant",
        "auth": "required",
        "allowed_tenants": (),
        "allowed_service_hosts": (),
        "devs_channel": "Wilson - Devs",
        "gateway_channel": "API Gateway - Notifications",
        "private_channel": "",
        "group_id": "",
        "openid_metadata_url": "https://login.botframework.com/v1/.well-known/openidconfiguration",
        "login_url": "https://login.microsoftonline.com",
        "messenger": "teams",
    },
    "mailbox": {
        "kind": "folder",
        "path": Path("var/mail"),
        "inbox": "inbox",
        "processed": "processed",
        "unrecognised": "unrecognised",
        "unreadable": "unreadable",
        "poll_seconds": 15,
        "trusted_authserv_id": "",
        "require_authenticated": False,
    },
    "tracker": {
        "kind": "local",
        "path": Path("var/issues"),
        "project": "iam/admin",
        "template": "Incident",
        "cadence": "",
        "users": {},
        "timeout_seconds": 60,
    },
    "apigee": {"kind": "none", "base_url": "https://apigee.googleapis.com", "poll_seconds": 300},
    "halo": {
        "kind": "none",
        "base_url": "",
        "note_outcome": "Private Note",
        "note_outcome_id": 0,
        "closed_status_ids": (9,),
        "queue": "",
        "scope": "read:tickets edit:tickets",
        "timeout_seconds": 30,
    },
    "directory": {"kind": "none", "base_url": "", "managed_identity": False, "login_url": ""},
    "status_page": {
        "kind": "none",
        "base_url": "https://api.statuspage.io",
        "page_id": "",
        "timeout_seconds": 30,
    },
    "paging": {"kind": "none", "timeout_seconds": 15},
    "rota": {"kind": "none", "path": Path("rota.toml"), "timezone": "Europe/London"},
    "process": {"name": "wilson", "path": None},
}


@pytest.mark.parametrize("section", list(DEFAULTS))
def test_the_defaults_of_a_section(section: str) -> None:
    held = getattr(read_settings(environ={}), section)
    assert {key: getattr(held, key) for key in DEFAULTS[section]} == DEFAULTS[section]


def test_every_section_has_its_defaults_tested() -> None:
    assert set(DEFAULTS) == set(Settings.model_fields) - {"source"}  # a list, empty by default


@pytest.mark.parametrize(("section", "key"), SECRETS)
def test_no_secret_has_a_default(section: str, key: str) -> None:
    held = getattr(getattr(read_settings(environ={}), section), key)
    assert isinstance(held, SecretStr)
    assert not held.get_secret_value()


def test_every_secret_is_tested() -> None:
    found = [
        (section, key)
        for section, field in Settings.model_fields.items()
        for key, each in getattr(field.annotation, "model_fields", {}).items()
        if each.annotation is SecretStr
    ]
    assert found == SECRETS


def test_the_file_of_the_working_directory_is_read_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "wilson.toml").write_text("[web]\nport = 8080\n")
    assert read_settings(environ={}).web.port == 8080


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = from_toml(tmp_path, "[web]\nport = 8080\nhost = 'localhost'\n", WILSON_WEB__PORT="9090")
    assert (settings.web.port, settings.web.host) == (9090, "localhost")


@pytest.mark.parametrize(
    ("name", "value", "section", "key", "held"),
    [
        ("DATABASE__URL", "postgres://h/wilson", "database", "url", "postgres://h/wilson"),
        ("WEB__PORT", "0", "web", "port", 0),
        ("TEAMS__MANAGED_IDENTITY", "true", "teams", "managed_identity", True),
        ("TEAMS__ALLOWED_TENANTS", " a, b ,,", "teams", "allowed_tenants", ("a", "b")),
        ("TEAMS__DEVS_CHANNEL", "  Devs ", "teams", "devs_channel", "Devs"),
        ("MAILBOX__KIND", "none", "mailbox", "kind", "none"),
        ("MAILBOX__POLL_SECONDS", "0.5", "mailbox", "poll_seconds", 0.5),
        ("MAILBOX__REQUIRE_AUTHENTICATED", "yes", "mailbox", "require_authenticated", True),
        ("TRACKER__PATH", "elsewhere", "tracker", "path", Path("elsewhere")),
        ("APIGEE__KIND", "apigee", "apigee", "kind", "apigee"),
        ("HALO__CLIENT_ID", "x", "halo", "client_id", "x"),
        ("HALO__CLOSED_STATUS_IDS", "9, 31", "halo", "closed_status_ids", (9, 31)),
        ("HALO__QUEUE", " Wilson ", "halo", "queue", "Wilson"),
        ("DIRECTORY__KIND", "graph", "directory", "kind", "graph"),
        ("ROTA__TIMEZONE", "Europe/Paris", "rota", "timezone", "Europe/Paris"),
        ("PROCESS__PATH", "ours.toml", "process", "path", Path("ours.toml")),
    ],
)
def test_each_section_is_set_from_the_environment(
    name: str, value: str, section: str, key: str, held: object
) -> None:
    settings = read_settings(environ={f"{PREFIX}{name}": value})
    assert getattr(getattr(settings, section), key) == held


def test_the_environments_names_may_be_of_any_case() -> None:
    assert read_settings(environ={"WILSON_Web__Port": "9"}).web.port == 9


@pytest.mark.parametrize("name", ["PATH", "WILSON", "WILSON_CONFIG", "OTHER_WEB__PORT"])
def test_other_variables_are_nobodys_business(name: str) -> None:
    assert read_settings(environ={name: "x"}) == Settings()


@pytest.mark.parametrize(("section", "key"), SECRETS)
def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path, section: str, key: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    settings = read_settings(environ={f"{PREFIX}{section}__{key}_FILE".upper(): str(file)})
    assert getattr(getattr(settings, section), key).get_secret_value() == SECRET


def test_a_secrets_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = error_of(tmp_path, WILSON_TEAMS__APP_PASSWORD_FILE=str(tmp_path / "nowhere"))
    assert told.startswith("WILSON_TEAMS__APP_PASSWORD_FILE: ")
    assert "nowhere" in told


def test_a_secrets_file_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe" + SECRET.encode())
    assert error_of(tmp_path, WILSON_TRACKER__TOKEN_FILE=str(file)).startswith("WILSON_TRACKER__TOKEN_FILE: ")


@pytest.mark.parametrize(
    ("text", "setting", "held", "need"),
    [
        ("[database]\nurl = 'mysql://h/db'", "database.url", None, "sqlite|postgres"),
        ("[web]\nport = 'abc'", "web.port", "'abc'", "integer"),
        ("[web]\nport = 65536", "web.port", "65536", "65535"),
        ("[web]\nport = -1", "web.port", "-1", "greater than or equal to 0"),
        ("[teams]\nauth = 'off'", "teams.auth", "'off'", "'required' or 'disabled'"),
        ("[teams]\napp_type = 'MultiTenant'", "teams.app_type", "'MultiTenant'", "'SingleTenant'"),
        ("[teams]\nmessenger = 'slack'", "teams.messenger", "'slack'", "'teams' or 'console'"),
        ("[teams]\nallowed_tenants = [1]", "teams.allowed_tenants", "1", "string"),
        ("[mailbox]\nkind = 'pop'", "mailbox.kind", "'pop'", "'folder'"),
        ("[mailbox]\npoll_seconds = 0", "mailbox.poll_seconds", "0", "greater than 0"),
        ("[mailbox]\npoll_seconds = 3601", "mailbox.poll_seconds", "3601", "3600"),
        ("[tracker]\nkind = 'jira'", "tracker.kind", "'jira'", "'local' or 'gitlab'"),
        ("[tracker]\ntimeout_seconds = 0", "tracker.timeout_seconds", "0", "greater than 0"),
        ("[tracker.users]\nada = 3", "tracker.users.ada", "3", "string"),
        ("[apigee]\nkind = 'x'", "apigee.kind", "'x'", "'none' or 'apigee'"),
        ("[halo]\nkind = 'x'", "halo.kind", "'x'", "'none' or 'halo'"),
        ("[halo]\nnote_outcome = ''", "halo.note_outcome", "''", "at least 1"),
        ("[directory]\nkind = 'x'", "directory.kind", "'x'", "'none' or 'graph'"),
        ("[rota]\nkind = 'x'", "rota.kind", "'x'", "'ical'"),
        ("[process]\nname = 3", "process.name", "3", "string"),
        ("[web]\nprot = 1", "web.prot", None, "no such setting"),
        ("[wbe]\nport = 1", "wbe", None, "no such setting"),
    ],
)
def test_an_error_names_the_setting_what_it_held_and_what_it_needs(
    tmp_path: Path, text: str, setting: str, held: str | None, need: str
) -> None:
    told = error_of(tmp_path, text)
    assert told.startswith(setting)
    assert "ours.toml" in told
    assert f"{PREFIX}{setting.upper().replace('.', '__')}" in told
    assert need in told
    assert held is None or f"held {held}" in told


@pytest.mark.parametrize(("section", "key"), SECRETS)
@pytest.mark.parametrize("form", ["{key} = ['{secret}']", "{key} = {{ value = '{secret}' }}"])
def test_an_error_about_a_secret_does_not_tell_it(tmp_path: Path, section: str, key: str, form: str) -> None:
    told = error_of(tmp_path, f"[{section}]\n" + form.format(key=key, secret=SECRET))
    assert told.startswith(f"{section}.{key}")


@pytest.mark.parametrize(("section", "key"), SECRETS)
def test_settings_that_are_printed_do_not_tell_a_secret(section: str, key: str) -> None:
    settings = read_settings(environ={f"{PREFIX}{section}__{key}".upper(): SECRET})
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())
    assert SECRET not in settings.model_dump_json()


def test_only_the_first_of_several_errors_is_told(tmp_path: Path) -> None:
    told = error_of(tmp_path, "[web]\nport = 'x'\n[mailbox]\nkind = 'y'")
    assert told.startswith("web.port")
    assert "mailbox" not in told


def test_an_unknown_section_in_the_environment_is_named_with_the_known_ones(tmp_path: Path) -> None:
    told = error_of(tmp_path, WILSON_TEAMZ__APP_PASSWORD=SECRET)
    assert told.startswith("WILSON_TEAMZ__APP_PASSWORD: ")
    assert "database, web, teams" in told


def test_an_unknown_key_in_the_environment_is_named(tmp_path: Path) -> None:
    assert "WILSON_TEAMS__APP_IDD" in error_of(tmp_path, WILSON_TEAMS__APP_IDD="x")


def test_a_value_where_a_section_belongs_is_named(tmp_path: Path) -> None:
    assert "teams" in error_of(tmp_path, "teams = 'x'")
    assert "[teams]" in error_of(tmp_path, "teams = 'x'", WILSON_TEAMS__APP_ID="y")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml.*--config"):
        read_settings(tmp_path / "nowhere.toml", {})


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        read_settings(tmp_path, {})


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"[web]\n[web]\n"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ours.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"ours\.toml: is not valid TOML"):
        read_settings(file, {})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("wilson.example.com", False),
    ],
)
def test_authentication_is_disabled_on_loopback_only(tmp_path: Path, host: str, loopback: bool) -> None:
    text = f"[teams]\nauth = 'disabled'\n[web]\nhost = '{host}'\n"
    assert Web(host=host).loopback is loopback
    if loopback:
        assert from_toml(tmp_path, text).teams.auth == "disabled"
    else:
        told = error_of(tmp_path, text)
        assert "teams.auth" in told
        assert "web.host" in told
        assert repr(host) in told


def test_required_authentication_listens_anywhere(tmp_path: Path) -> None:
    assert from_toml(tmp_path, "[web]\nhost = '0.0.0.0'").teams.auth == "required"


def test_the_tenants_are_the_allowed_ones_or_the_bots_own(tmp_path: Path) -> None:
    assert from_toml(tmp_path, "").teams.tenants == frozenset()
    assert from_toml(tmp_path, "[teams]\ntenant_id = 'A'").teams.tenants == {"a"}
    both = "[teams]\ntenant_id = 'A'\nallowed_tenants = ['B', 'C', '']"
    assert from_toml(tmp_path, both).teams.tenants == {"b", "c"}


def test_settings_do_not_change() -> None:
    settings = read_settings(environ={})
    with pytest.raises(ValueError, match="frozen"):
        settings.web = Web(port=1)
