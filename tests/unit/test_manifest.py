"""The Teams app package, against Microsoft's own schema where it is at hand."""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from manifest.package import MENU, build_manifest, write_package

APP_ID = "1f3a5f00-0000-4000-8000-0000000000ab"
GIVEN = {"app_id": APP_ID, "version": "1.2.0", "public_url": "https://wilson.example:8443/base"}
SCHEMA = Path(__file__).parents[3] / "shared/contracts/teams/MicrosoftTeams.schema.v1.30.json"


def test_the_package_is_flat_and_complete(tmp_path: Path) -> None:
    path = write_package(tmp_path / "new" / "wilson.zip", **GIVEN)
    with zipfile.ZipFile(path) as package:
        assert package.namelist() == ["manifest.json", "color.png", "outline.png"]
        assert package.testzip() is None
        assert json.loads(package.read("manifest.json")) == build_manifest(**GIVEN)
        icons = package.read("color.png"), package.read("outline.png")
    assert all(len(icon) < 10_000 for icon in icons)
    color, outline = (Image.open(BytesIO(icon)) for icon in icons)
    assert (color.size, outline.size) == ((192, 192), (32, 32))
    pixels = outline.convert("RGBA")
    shown = [pixel for _, pixel in pixels.getcolors(2000) or [] if isinstance(pixel, tuple)]
    assert all(pixel[:3] == (255, 255, 255) for pixel in shown if pixel[3])
    assert {0, 255} <= {pixel[3] for pixel in shown}


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write_package(tmp_path / name, **GIVEN).read_bytes() for name in ("one.zip", "two.zip"))
    assert one == two


@pytest.mark.skipif(not SCHEMA.exists(), reason="Microsoft's schema is not here; it is theirs and not committed")
def test_the_manifest_keeps_microsofts_schema() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    manifest = build_manifest(**GIVEN, bot_name="W" * 30, developer="D" * 32)
    jsonschema.Draft4Validator(schema).validate(manifest)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(manifest | {"accentColour": "#000000"})


def test_the_bot_is_for_teams_and_hears_its_threads() -> None:
    manifest = json.loads(json.dumps(build_manifest(**GIVEN)))
    (bot,) = manifest["bots"]
    assert (bot["botId"], bot["scopes"], bot["isNotificationOnly"]) == (APP_ID, ["team"], False)
    assert manifest["supportsChannelFeatures"] == "tier1"
    assert manifest["validDomains"] == ["wilson.example"]
    assert manifest["webApplicationInfo"]["id"] == APP_ID
    assert manifest["webApplicationInfo"]["resource"] == f"api://wilson.example/botid-{APP_ID}"
    assert manifest["authorization"]["permissions"]["resourceSpecific"] == [
        {"name": "ChannelMessage.Read.Group", "type": "Application"}
    ]


def test_the_menu_fits_one_list_of_one_scope() -> None:
    assert len(MENU) <= 12
    titles = [title for title, _ in MENU]
    assert len(set(titles)) == len(titles)
    assert {"help", "raise", "claim", "hand over", "resolve"} <= set(titles)


@pytest.mark.parametrize("app_id", ["", "wilson", APP_ID.replace("-", ""), f"{{{APP_ID}}}", f" {APP_ID}", "0" * 8])
def test_an_app_id_that_is_none_is_refused(tmp_path: Path, app_id: str) -> None:
    with pytest.raises(ValueError, match=r"teams\.app_id holds .* needs"):
        write_package(tmp_path / "wilson.zip", **{**GIVEN, "app_id": app_id})
    assert list(tmp_path.iterdir()) == []


def test_an_app_id_in_capitals_is_the_same_app() -> None:
    assert build_manifest(**{**GIVEN, "app_id": APP_ID.upper()}) == build_manifest(**GIVEN)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"version": "1.2"}, "version"),
        ({"version": "1.02.0"}, "version"),
        ({"public_url": ""}, r"web\.public_url"),
        ({"public_url": "http://wilson.example"}, r"web\.public_url"),
        ({"public_url": "https://"}, r"web\.public_url"),
        ({"bot_name": ""}, "bot_name"),
        ({"bot_name": "W" * 31}, "bot_name"),
        ({"developer": "D" * 33}, "developer"),
    ],
)
def test_what_does_not_fit_is_named(wrong: dict[str, str], names: str) -> None:
    with pytest.raises(ValueError, match=f"{names} holds"):
        build_manifest(**{**GIVEN, **wrong})


def test_the_board_is_a_tab_of_a_channel_and_of_ones_own() -> None:
    manifest = json.loads(json.dumps(build_manifest(**GIVEN)))
    (channel,), (own,) = manifest["configurableTabs"], manifest["staticTabs"]
    assert (channel["configurationUrl"], channel["scopes"]) == (
        "https://wilson.example:8443/board/configure",
        ["team"],
    )
    assert (own["contentUrl"], own["scopes"]) == ("https://wilson.example:8443/board", ["personal"])
