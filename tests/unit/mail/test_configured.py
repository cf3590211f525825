"""Sources that a team describes in its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from mailwatcher.parsers.configured import ConfiguredSource
from models.domain.alerts import Alert, MailKind, Reading
from models.settings import Settings, SettingsError
from models.settings_file import read_settings

SOURCE = """
[[source]]
name = "backup"
sender = "*@backup.example"
headers = { "X-Job" = "nightly*" }
firing = "FAILED"
recovered = "SUCCEEDED"
ignored = "SKIPPED"
fingerprint = ["project", "resource"]
[source.fields]
title = '^Backup of \\S+'
project = 'in (?P<value>\\S+)$'
resource = 'of (\\S+)'
severity = 'Level: (\\w+)'
incident_url = 'https://backup\\.example/\\S+'
"""


def source(text: str = SOURCE, folder: Path = Path()) -> ConfiguredSource:
    held = settings(text, folder).source[0]
    return ConfiguredSource(
        held.name,
        held.firing,
        held.sender,
        held.subject,
        held.headers,
        held.recovered,
        held.ignored,
        {key: value for key, value in held.fields.model_dump().items() if value},
        held.fingerprint,
    )


def settings(text: str, folder: Path) -> Settings:
    file = folder / "wilson.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, {})


def read(taught: ConfiguredSource, word: str, *, sender: str = "b@backup.example", what: str = "db-1") -> Reading:
    body = "Level: HIGH\nsee https://backup.example/7\n"
    head = f"From: {sender}\nX-Job: nightly-2\nDate: Fri, 20 Nov 2026 09:00:00 +0000\n"
    raw = f"{head}Subject: Backup of {what} {word} in iam\n\n{body}"
    return recognise(read_mail(raw.encode()), [taught.parse])


def alert(reading: Reading) -> Alert:
    assert reading.alert is not None
    return reading.alert


def test_fields_are_read_and_firing_meets_recovered(tmp_path: Path) -> None:
    taught = source(folder=tmp_path)
    fired, over = read(taught, "FAILED"), read(taught, "SUCCEEDED")
    assert (fired.kind, over.kind, fired.source) == (MailKind.FIRING, MailKind.RECOVERED, "backup")
    said = alert(fired)
    assert (said.title, said.project, said.resource) == ("Backup of db-1", "iam", "db-1")
    assert (said.severity, said.incident_url) == ("high", "https://backup.example/7")
    assert said.started_at is not None
    assert said.fingerprint == alert(over).fingerprint
    assert said.fingerprint != alert(read(taught, "FAILED", what="db-2")).fingerprint


def test_what_it_ignores_and_what_it_cannot_read_is_told_apart(tmp_path: Path) -> None:
    taught = source(folder=tmp_path)
    assert read(taught, "SKIPPED").kind is MailKind.IGNORED
    odd = read(taught, "was odd")
    assert (odd.kind, odd.source) == (MailKind.UNREADABLE, "backup")


@pytest.mark.parametrize("sender", ["b@backup.example.evil", "x@other.example"])
def test_another_sender_is_not_it(tmp_path: Path, sender: str) -> None:
    assert read(source(folder=tmp_path), "FAILED", sender=sender).source != "backup"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('firing = "FAILED"', 'firing = "("'), "is no regular expression"),
        (('firing = "FAILED"', ""), "source.0.firing"),
        (('name = "backup"', 'name = "Back Up"'), "source.0.name"),
        (('"resource"]', '"colour"]'), "fingerprint holds 'colour'"),
        (("resource = 'of", "condition = 'of"), "fields has no pattern"),
        (('firing = "FAILED"', 'fires = "FAILED"\nfiring = "FAILED"'), "no such setting"),
    ],
)
def test_a_wrong_description_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings(SOURCE.replace(*change), tmp_path)


def test_it_must_say_which_mails_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs sender, subject or headers"):
        settings('[[source]]\nname = "x"\nfiring = "x"\n', tmp_path)


def test_it_is_not_set_from_the_environment() -> None:
    with pytest.raises(SettingsError, match="set it in the file"):
        read_settings(None, {"WILSON_SOURCE__NAME": "x"})
