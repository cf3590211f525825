"""GitLab's own descriptions of its API, and whether something keeps to them."""

from __future__ import annotations

import functools
import gc
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "gitlab"
needs_contracts = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"GitLab's schemas are not in {FOLDER}")
_OUTSIDE = {"pagination", "cursor"}
"""Query parameters that GitLab's documentation knows and its OpenAPI document leaves out."""


def _in_query(name: str, *values: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind, **({"enum": list(values)} if values else {})}}


_BESIDES: dict[str, dict[str, Any]] = {
    "/api/v4/projects/{id}/deployments": {
        "get": {
            "parameters": [
                _in_query("order_by", "id", "iid", "created_at", "updated_at", "finished_at", "ref"),
                _in_query("sort", "asc", "desc"),
                _in_query("updated_after"),
                _in_query("updated_before"),
                _in_query("environment"),
                _in_query("status", "created", "running", "success", "failed", "canceled", "blocked"),
                _in_query("page", kind="integer"),
                _in_query("per_page", kind="integer"),
            ]
        }
    }
}
"""What the part of the OpenAPI document at hand leaves out, as GitLab's lib/api/deployments.rb declares it."""


@functools.cache
def graphql_schema() -> GraphQLSchema:
    """Return GitLab's GraphQL schema."""
    schema = build_schema((FOLDER / "gitlab.graphql").read_text(encoding="utf-8"), assume_valid_sdl=True)
    validate(schema, parse("{ __typename }"))
    gc.freeze()  # or every full collection walks through it, for longer than a test's time limits
    return schema


@functools.cache
def _openapi() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = json.loads((FOLDER / "openapi_trim.json").read_text(encoding="utf-8"))["paths"] | _BESIDES
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), methods) for path, methods in paths.items()]


def request_problem(method: str, raw_path: str, query: Mapping[str, str], body: Any) -> str:
    """Return what GitLab's OpenAPI document has against a request; empty for nothing."""
    matching = [methods for pattern, methods in _openapi() if pattern.fullmatch(raw_path)]
    operation = next((methods[method.lower()] for methods in matching if method.lower() in methods), None)
    if operation is None:
        return f"{method} {raw_path}: there is no such call"
    known = {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    for name, value in query.items():
        if name in _OUTSIDE:
            continue
        if name not in known:
            return f"{method} {raw_path}: there is no parameter {name!r}"
        schema = known[name]
        if "enum" in schema and value not in schema["enum"]:
            return f"{method} {raw_path}: {name} can't be {value!r}"
        if schema.get("type") == "integer" and not value.isdigit():
            return f"{method} {raw_path}: {name} must be a number, and is {value!r}"
    if "requestBody" not in operation:
        return f"{method} {raw_path}: takes no body" if body else ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"] | {"additionalProperties": False}
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(body))
    return f"{method} {raw_path}: {error.message}" if error else ""


@functools.cache
def _answer_validator(name: str) -> jsonschema.Draft202012Validator:
    schema = _loaded(FOLDER / "responses" / f"{name}.json")
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def _loaded(file: Path) -> Any:
    return _resolved(json.loads(file.read_text(encoding="utf-8")), file.parent)


def _resolved(part: Any, folder: Path) -> Any:
    if isinstance(part, list):
        return [_resolved(each, folder) for each in part]
    if not isinstance(part, dict):
        return part
    if isinstance(ref := part.get("$ref"), str):
        _, inside, tail = ref.partition("spec/fixtures/api/schemas/")
        return _loaded(FOLDER / "responses" / tail if inside else folder / ref)
    return {name: _resolved(each, folder) for name, each in part.items()}


def answer_problem(name: str, body: Any) -> str:
    """Return what GitLab's own response schema ``name`` has against an answer; empty for nothing."""
    error = jsonschema.exceptions.best_match(_answer_validator(name).iter_errors(body))
    return f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}"[:300] if error else ""
