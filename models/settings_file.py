"""Settings: ``wilson.toml``, then ``WILSON_<SECTION>__<KEY>``, secrets also from ``…_FILE``.

Read once, at the roof. Whoever else needs a setting is given it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.settings import Settings, SettingsError

PREFIX = "WILSON_"
FILE_SUFFIX = "_FILE"
_SECRET = re.compile(r"secret|password|token|credentials|api_key|routing_key|url$")
"""Settings whose value may hold a secret, and is never shown; an address may hold a password."""


def read_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        path: The TOML file; without one ``wilson.toml`` of the working directory, if it is there.
        environ: The environment; by default the process's own.

    Raises:
        SettingsError: A file can't be read, or a setting is unknown or does not fit.
    """
    environ = os.environ if environ is None else environ
    file = path or Path("wilson.toml")
    values: dict[str, Any] = {}
    if path is not None or file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{file}: can't be read ({error.strerror}); name another with --config") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: is not valid TOML: {error}") from None
    for section, keys in _from_environment(environ).items():
        held = values.setdefault(section, {})
        if not isinstance(held, dict):
            raise SettingsError(f"{file}: {section} holds {held!r}; it needs a table, [{section}]")
        held.update(keys)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_one_line(error, file)) from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        if "__" not in name:
            section = name.removeprefix(PREFIX).lower().partition("_")[0]
            if section in Settings.model_fields:
                raise SettingsError(f"{name}: the section and the key need two underscores between them")
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        model = Settings.model_fields.get(section)
        if model is None:
            sections_known = ", ".join(Settings.model_fields)
            raise SettingsError(f"{name}: there is no section [{section}]; known: {sections_known}")
        known = getattr(model.annotation, "model_fields", None)
        if known is None:
            raise SettingsError(f"{name}: [[{section}]] is a list of tables; set it in the file")
        if key not in known and key.endswith(FILE_SUFFIX.lower()):
            key = key.removesuffix(FILE_SUFFIX.lower())
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}: the file {value!r} can't be read: {error}") from None
        sections.setdefault(section, {})[key] = value
    return sections


def _one_line(error: ValidationError, file: Path) -> str:
    first = error.errors(include_url=False)[0]
    text = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{file}: {text}"
    where = ".".join(str(part) for part in first["loc"])
    variable = f"{PREFIX}{where.upper().replace('.', '__')}"
    if first["type"] == "extra_forbidden":
        return f"{where} ({file} or {variable}): there is no such setting"
    telling = isinstance(first["input"], (str, int, float)) and not _SECRET.search(where)
    held = f", held {first['input']!r}" if telling else ""
    return f"{where} ({file} or {variable}): {text}{held}"
