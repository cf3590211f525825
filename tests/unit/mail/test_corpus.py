"""The corpus of alert mails, where it stands beside the project."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models.domain.alerts import Reading

CORPUS = Path(__file__).parents[4] / "shared" / "mail" / "corpus"
FIELDS = ("title", "severity", "project", "resource", "condition", "incident_id", "incident_url")
TIMES = ("started_at", "ended_at")
DEVIATIONS = {
    # The link in the mail is taken, where the corpus says that there is none.
    "reconstructed-013-personal-app-not-team-owned": {"incident_url"},
    # The corpus leaves out when it ended, which the mail says.
    "reconstructed-031-cloudwatch-ok": {"ended_at"},
    "reconstructed-041-uptimerobot-up": {"ended_at"},
    # Only the subject is left of it, and it says these.
    "reconstructed-050-tnef-winmail-forward": {"title", "project", "resource", "condition"},
}
SPOOFED = {"reconstructed-090-spoof-gcp-dmarc-fail", "reconstructed-093-spoof-forged-authentication-results"}


def samples() -> list[Any]:
    found = []
    for file in sorted(CORPUS.glob("*/*.eml")):
        expected = json.loads(file.with_suffix("").with_suffix(".expected.json").read_text(encoding="utf-8"))
        found.append(pytest.param(file, expected, id=f"{file.parent.name}/{file.stem}"))
    return found or [pytest.param(None, None, marks=pytest.mark.skip(reason=f"the corpus {CORPUS} is not here"))]


def read(file: Path) -> Reading:
    return recognise(read_mail(file.read_bytes()))


@pytest.mark.parametrize(("file", "expected"), samples())
def test_a_mail_says_what_the_corpus_says(file: Path, expected: dict[str, Any]) -> None:
    reading = read(file)
    alert = reading.alert
    said: dict[str, Any] = {"kind": reading.kind.value}
    said |= {name: getattr(alert, name) if alert else None for name in FIELDS}
    for name in TIMES:
        at = getattr(alert, name) if alert else None
        said[name] = f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
    left_out = DEVIATIONS.get(file.stem, set())
    wanted = {name: expected.get(name) for name in said if name not in left_out}
    assert {name: said[name] for name in wanted} == wanted


@pytest.mark.parametrize(("file", "expected"), samples())
def test_senders_are_confirmed_where_our_server_did(file: Path, expected: dict[str, Any]) -> None:
    reading = read(file)
    verdict = expected.get("trust", {}).get("dmarc") if b"Authentication-Results" in file.read_bytes() else "none"
    if verdict is not None:
        assert reading.authenticated.value == verdict
    assert (reading.authenticated.value == "fail") is (file.stem in SPOOFED)


@pytest.mark.parametrize(("file", "expected"), samples())
def test_every_subject_is_kept_as_it_came(file: Path, expected: dict[str, Any]) -> None:
    assert read(file).subject == expected["subject"][:300]


@pytest.mark.skipif(not CORPUS.exists(), reason=f"the corpus {CORPUS} is not here")
def test_mails_of_one_problem_share_a_fingerprint_and_others_do_not() -> None:
    ours: dict[str, set[str]] = defaultdict(set)
    for sample in samples():
        file, expected = sample.values
        reading = read(file)
        if reading.alert and expected["dedup_key"]:
            ours[expected["dedup_key"]].add(reading.alert.fingerprint)
    assert {key: found for key, found in ours.items() if len(found) != 1} == {}
    assert len(set().union(*ours.values())) == len(ours)
