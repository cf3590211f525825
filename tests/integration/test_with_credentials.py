"""The program as it runs in earnest: tokens checked on the way in, a token of its own on the way out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from demo.playground import free_port
from demo.story import deliver, render
from tests.support.botframework import APP_ID, TENANT, Connector, Issuer, serving

VALUES = {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "1", "pipeline": "4711"}


async def test_a_mail_becomes_a_card_and_a_signed_claim_takes_it(tmp_path: Path) -> None:
    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": "ours", "expires_in": 3600})

    login = web.Application()
    login.router.add_post(f"/{TENANT}/oauth2/v2.0/token", token)
    port = free_port()
    (tmp_path / "secret").write_text("s3cret\n")
    async with Issuer().running() as issuer, Connector().running() as teams, serving(login) as login_url:
        (tmp_path / "wilson.toml").write_text(
            f'[database]\nurl = "sqlite://{tmp_path}/wilson.db"\n[web]\nport = {port}\n'
            f'[teams]\napp_id = "{APP_ID}"\ntenant_id = "{TENANT}"\nopenid_metadata_url = "{issuer.url}/metadata"\n'
            f'login_url = "{login_url}"\nallowed_service_hosts = ["127.0.0.1"]\ndevs_channel = "Devs"\n'
            f'[mailbox]\npath = "{tmp_path}/mail"\npoll_seconds = 0.2\n[tracker]\npath = "{tmp_path}/tracker"\n'
        )
        environment = dict(os.environ) | {"WILSON_TEAMS__APP_PASSWORD_FILE": str(tmp_path / "secret")}
        command = (sys.executable, "-m", "wilson", "--config", str(tmp_path / "wilson.toml"), "run")
        with (tmp_path / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environment)
        try:
            signed = {"Authorization": f"Bearer {issuer.token(serviceurl=teams.url)}"}
            url = f"http://127.0.0.1:{port}/api/messages"
            async with asyncio.timeout(60), aiohttp.ClientSession() as session:

                async def post(**changes: Any) -> tuple[int, str]:
                    while True:
                        with contextlib.suppress(aiohttp.ClientConnectorError):
                            body = activity(teams, **changes)
                            async with session.post(url, json=body, headers=signed) as answer:
                                return answer.status, await answer.text()
                        await asyncio.sleep(0.1)

                assert (await post(type="installationUpdate", action="add"))[0] == 200
                deliver(tmp_path / "mail" / "inbox", "1", render("pipeline-failed", VALUES))
                while not any("attachments" in str(body) for *_, body, _ in teams.asked):
                    await asyncio.sleep(0.1)
                await asyncio.sleep(0.5)
                value = {"action": {"type": "Action.Execute", "data": {"wilson": 1, "do": "claim"}}}
                where = {"id": "19:c@thread.tacv2;messageid=7", "tenantId": TENANT}
                status, text = await post(
                    type="invoke", name="adaptiveCard/action", replyToId="7", conversation=where, value=value
                )
                assert status == 200
                assert "Ada Example" in text
                signed = {"Authorization": f"Bearer {issuer.token(serviceurl=teams.url, aud='another')}"}
                assert (await post(type="message", text="claim"))[0] == 401
        finally:
            process.terminate()
            async with asyncio.timeout(15):
                assert await process.wait() == 0
    assert {headers.get("Authorization") for *_, headers in teams.asked} == {"Bearer ours"}
    said = (tmp_path / "log").read_text()
    assert "s3cret" not in said
    assert "ours" not in said.split()


def activity(teams: Connector, **changes: Any) -> dict[str, Any]:
    return {
        "serviceUrl": teams.url,
        "channelId": "msteams",
        "id": "1",
        "from": {"id": "29:ada", "aadObjectId": "aad-ada", "name": "Ada Example"},
        "recipient": {"id": f"28:{APP_ID}", "name": "Wilson"},
        "conversation": {"id": "19:d", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}, "team": {"id": "19:team", "name": "Wilson"}},
        **changes,
    }
