"""GitLab's webhook: who is let in, what is asked of whom, and that it is answered at once and once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.hooks import LARGEST, Hook
from tests.support.botframework import serving

KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"
PAYLOAD: dict[str, Any] = {
    "object_kind": "issue",
    "user": {"username": "mb2345"},
    "project": {"path_with_namespace": "iam/admin"},
    "object_attributes": {"iid": 12, "action": "close"},
}


def signature(body: bytes, *, at: float | None = None, key: bytes = KEY, number: str = "msg_1") -> dict[str, str]:
    stamp = str(int(at if at is not None else time.time()))
    signed = hmac.new(key, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    given = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": number, "webhook-timestamp": stamp, "webhook-signature": given}


class Heard:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    async def __call__(self, key: str, once: str) -> None:
        self.calls.append((key, once))


@asynccontextmanager
async def hooked(token: str = "t0ken", signing: str = "", own: str = "") -> AsyncIterator[tuple[str, Heard]]:
    heard = Heard()
    app = web.Application(client_max_size=1000)
    app.router.add_post("/gitlab/hook", Hook("iam/admin", token, signing, heard, heard, lambda: own).answer)
    async with serving(app) as url:
        yield f"{url}/gitlab/hook", heard


async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status


BODY = json.dumps(PAYLOAD).encode()
TOKEN = {"X-Gitlab-Token": "t0ken"}


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("issue", PAYLOAD),
        ("work item", PAYLOAD | {"object_kind": "work_item"}),
        ("incident", PAYLOAD | {"object_kind": "incident"}),
        ("note", PAYLOAD | {"object_kind": "note", "object_attributes": {"id": 3}, "issue": {"iid": 12}}),
        ("case", PAYLOAD | {"project": {"path_with_namespace": "IAM/Admin"}}),
    ],
)
async def test_the_issue_of_each_kind_of_event_is_heard(kind: str, payload: dict[str, Any]) -> None:
    async with hooked() as (url, heard):
        assert await post(url, json.dumps(payload).encode(), TOKEN) == 200
        assert [key for key, _ in heard.calls] == ["12"], kind


@pytest.mark.parametrize(
    "payload",
    [
        PAYLOAD | {"object_kind": "push"},
        PAYLOAD | {"project": {"path_with_namespace": "iam/other"}},
        PAYLOAD | {"project": None},
        PAYLOAD | {"object_attributes": {"iid": "12"}},
        PAYLOAD | {"object_attributes": {"iid": True}},
        PAYLOAD | {"object_attributes": {"iid": -1}},
        PAYLOAD | {"object_kind": "note", "object_attributes": {"id": 3}},
        PAYLOAD | {"user": {"username": "bot"}},
        [],
        "issue",
    ],
)
async def test_what_is_not_ours_is_answered_and_left(payload: Any) -> None:
    async with hooked(own="bot") as (url, heard):
        assert await post(url, json.dumps(payload).encode(), TOKEN) == 200
        assert heard.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": "t0ke"},
        {"X-Gitlab-Token": "t\u00f6ken"},
        TOKEN | {"webhook-signature": "v1,AAAA"},
    ],
)
async def test_a_wrong_token_is_refused(headers: dict[str, str]) -> None:
    async with hooked() as (url, heard):
        assert await post(url, BODY, headers) == 401
        assert heard.calls == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (lambda: signature(BODY), 200),
        (lambda: signature(BODY) | {"webhook-signature": f"v1,AAAA {signature(BODY)['webhook-signature']}"}, 200),
        (lambda: TOKEN, 401),
        (lambda: signature(BODY + b" "), 401),
        (lambda: signature(BODY, key=b"another"), 401),
        (lambda: signature(BODY, at=time.time() - 400), 401),
        (lambda: signature(BODY, at=time.time() + 400), 401),
        (lambda: signature(BODY) | {"webhook-id": "msg_2"}, 401),
        (lambda: signature(BODY) | {"webhook-timestamp": "now"}, 401),
        (lambda: signature(BODY) | {"webhook-signature": "v2,abc"}, 401),
    ],
)
async def test_a_signature_must_hold_where_one_is_agreed_on(
    headers: Callable[[], dict[str, str]], status: int
) -> None:
    async with hooked(signing=SIGNING) as (url, heard):
        assert await post(url, BODY, headers()) == status
        assert bool(heard.calls) is (status == 200)


async def test_deliveries_of_one_event_have_one_key() -> None:
    async with hooked() as (url, heard):
        for headers in ({"Idempotency-Key": "a"}, {"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}, {}, {}):
            assert await post(url, BODY, TOKEN | headers) == 200
        keys = [once for _, once in heard.calls]
        assert keys[0] == keys[1] != keys[2] != keys[3] == keys[4]


async def test_a_body_that_is_no_json_or_too_large_is_refused() -> None:
    async with hooked() as (url, heard):
        assert await post(url, b"{", TOKEN) == 400
        assert await post(url, b"[" * 100_000, TOKEN) == 400
        assert await post(url, b" " * (LARGEST + 1), TOKEN) == 413
        assert await post(url, BODY.replace(b'"close"', b'"' + b"x" * 2_000_000 + b'"'), TOKEN) == 200
        assert len(heard.calls) == 1


async def test_without_a_secret_there_is_no_door() -> None:
    async with hooked(token="") as (url, heard):
        assert await post(url, BODY, {"X-Gitlab-Token": ""}) == 404
        assert heard.calls == []
