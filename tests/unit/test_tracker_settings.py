"""Which tracker the settings ask for, and what is missing for it, in one line."""

from __future__ import annotations

import pytest

from bot.adapters.gitlab import GitLabTracker
from fittings import tracker_of
from models.settings import Settings, SettingsError

GITLAB = {"kind": "gitlab", "url": "https://gitlab.example.org", "token": "glpat-x", "project": "iam/admin"}


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"tracker": GITLAB | changes})


def test_a_gitlab_with_address_and_token_is_taken() -> None:
    assert isinstance(tracker_of(settings()), GitLabTracker)
    assert isinstance(tracker_of(settings(url="http://127.0.0.1:8080/gitlab/")), GitLabTracker)


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"url": ""}, "tracker.url"),
        ({"url": "gitlab.example.org"}, "tracker.url"),
        ({"url": "ftp://gitlab.example.org"}, "tracker.url"),
        ({"url": "http://gitlab.example.org"}, "tracker.url"),
        ({"url": "https://me:pw@gitlab.example.org"}, "tracker.url"),
        ({"token": ""}, "tracker.token"),
        ({"project": ""}, "tracker.project"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, object], setting: str) -> None:
    with pytest.raises(SettingsError) as caught:
        tracker_of(settings(**changes))
    assert str(caught.value).startswith(setting)
    assert "\n" not in str(caught.value)
    assert "pw" not in str(caught.value)
