"""The command line as people and scripts use it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from demo.story import render

VALUES = {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "1", "incident": "o1a2b3c4d5e6", "pipeline": "4711"}
ROOT = Path(__file__).parents[2]


def wilson(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wilson", *arguments]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_parse_says_what_mails_say_and_records_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(render("pipeline-failed", VALUES))
    (tmp_path / "b.eml").write_bytes(render("unknown", VALUES))
    done = wilson(tmp_path, "parse", "--json", "a.eml", "b.eml")
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert list(first) == [
        "file", "source", "kind", "title", "severity", "project", "resource", "condition", "incident_id",
        "incident_url", "started_at", "ended_at", "dedup_key", "summary", "authenticated", "reason",
    ]  # fmt: skip
    assert (first["file"], first["source"], first["kind"]) == ("a.eml", "gitlab_pipeline", "firing")
    assert (second["kind"], second["source"], second["authenticated"]) == ("unrecognised", None, "none")
    assert not (tmp_path / "var").exists()


def test_parse_of_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    done = wilson(tmp_path, "parse", "nowhere.eml")
    assert done.returncode == 2
    assert "nowhere.eml" in done.stderr


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("[web]\nport = 'x'\n", "web.port"),
        ("[teams]\napp_id = 'x'\n", "teams.tenant_id"),
        ("", "teams.app_id"),
        ("[process]\nname = 'nobody'\n", "there is no process 'nobody'"),
        ("[mailbox]\nkind = 'pop'\n[teams]\nauth = 'disabled'\n", "mailbox.kind"),
        ("not toml", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_line(tmp_path: Path, config: str, says: str) -> None:
    (tmp_path / "wilson.toml").write_text(config)
    done = wilson(tmp_path, "run")
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("wilson: ")
    assert says in last


def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    done = wilson(tmp_path, "doctor")
    assert done.returncode == 1
    assert "!! teams: teams.app_id is missing" in done.stdout
    assert "ok mailbox" in done.stdout
    assert "ok tracker" in done.stdout


def test_manifest_writes_the_package(tmp_path: Path) -> None:
    (tmp_path / "wilson.toml").write_text(
        '[web]\npublic_url = "https://wilson.example.org"\n'
        '[teams]\napp_id = "11111111-2222-3333-4444-555555555555"\n'
    )
    done = wilson(tmp_path, "manifest")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "wilson-teams-app.zip") as package:
        assert sorted(package.namelist()) == ["color.png", "manifest.json", "outline.png"]
    assert wilson(tmp_path, "manifest", WILSON_TEAMS__APP_ID="x").returncode == 2


def test_the_database_is_upgraded_and_the_outbox_shown(tmp_path: Path) -> None:
    assert wilson(tmp_path, "db", "upgrade").returncode == 0
    assert wilson(tmp_path, "db", "upgrade").returncode == 0
    done = wilson(tmp_path, "outbox")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing waits")


def test_the_report_of_what_mails_brought_comes_as_text_json_and_csv(tmp_path: Path) -> None:
    (tmp_path / "wilson.toml").write_text('[teams]\nauth = "disabled"\n')
    assert wilson(tmp_path, "db", "upgrade").returncode == 0
    empty = json.loads(wilson(tmp_path, "report", "--format", "json").stdout)
    assert (empty["count"], empty["incidents"], empty["open_at_end"]) == (0, [], [])
    (tmp_path / "a.eml").write_bytes(render("pipeline-failed", VALUES))
    assert wilson(tmp_path, "replay", "a.eml").returncode == 0
    assert json.loads(wilson(tmp_path, "report", "--json").stdout)["count"] == 1
    assert wilson(tmp_path, "report", "--csv").stdout.startswith("id,title,")
    none = wilson(tmp_path, "rota", "--days", "0")
    assert (none.returncode, "'0' is no number of days from 1 to 92" in none.stderr) == (2, True)
    assert "still open:  1: #1" in wilson(tmp_path, "report").stdout
    done = wilson(tmp_path, "report", "--format", "csv", "--output", "out.csv")
    assert (done.returncode, done.stdout) == (0, "")
    (row,) = csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines())
    assert (row["id"], row["source"], row["came_in_period"], row["open_at_end"]) == (
        "1",
        "gitlab_pipeline",
        "True",
        "True",
    )
    for words in (("report", "--to", "9999-12-31"), ("mail", "balance", "9999-12-31")):
        far = wilson(tmp_path, *words)
        assert (far.returncode, "too far ahead" in far.stderr, "Traceback" in far.stderr) == (2, True, False)
    wrong = wilson(tmp_path, "report", "--from", "2026-11-20", "--to", "2026-11-19")
    assert (wrong.returncode, wrong.stderr.strip()) == (
        2,
        "wilson: report: --to 2026-11-19 is before --from 2026-11-20",
    )


def test_all_mistakes_of_a_process_file_are_told_at_once(tmp_path: Path) -> None:
    text = (resources.files("models.processes") / "tis.toml").read_text(encoding="utf-8")
    (tmp_path / "ours.toml").write_text(f"cycles = 3\n{text}\n[digests]\nsize = 1\n", encoding="utf-8")
    (tmp_path / "wilson.toml").write_text('[teams]\nauth = "disabled"\n[process]\npath = "ours.toml"\n')
    last = text.count("\n") + 3
    checked = wilson(tmp_path, "process", "check", "ours.toml")
    assert checked.returncode == 2
    first, second = checked.stderr.splitlines()
    assert first.startswith("wilson: ours.toml:1: there is no such entry as 'cycles'; ")
    assert second == f"wilson: ours.toml:{last}: there is no such entry as 'digests'; did you mean 'digest'?"
    run = wilson(tmp_path, "run").stderr.strip().splitlines()[-1]
    assert run.startswith("wilson: process: ours.toml:1: there is no such entry as 'cycles'; ")
    assert run.endswith("(and 1 more: wilson process check tells them all)")
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    assert wilson(tmp_path, "process", "check", "ours.toml").returncode == 0


def test_that_nobody_is_informed_is_a_warning_and_fails_nothing(tmp_path: Path) -> None:
    text = (resources.files("models.processes") / "wellcome.toml").read_text(encoding="utf-8")
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    done = wilson(tmp_path, "process", "check", "ours.toml")
    assert done.returncode == 0
    assert done.stderr.startswith("wilson: warning: ours.toml:")
    assert "informed is empty: nobody is told" in done.stderr
    assert "ours.toml: " in done.stdout
    checked = wilson(tmp_path, "doctor", WILSON_PROCESS__NAME="wellcome").stdout
    assert "?? process: wellcome.toml:" in checked
    assert "!! process" not in checked
    (tmp_path / "ours.toml").write_text(
        text.replace('informed = ""', 'informed = "Nobody Known"'), encoding="utf-8"
    )
    assert wilson(tmp_path, "process", "check", "ours.toml").stderr == ""
    assert wilson(tmp_path, "db", "upgrade").returncode == 0
    checked = wilson(tmp_path, "doctor", WILSON_PROCESS__PATH="ours.toml").stdout
    assert "?? process: 'Nobody Known' (Delivery manager) is in no team, so nobody is told" in checked
