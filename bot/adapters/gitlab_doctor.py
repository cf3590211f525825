"""What ``wilson doctor`` says about GitLab: token, role, project, template, labels, iteration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any

from bot.adapters.gitlab_http import GitLabApi, Missing
from bot.adapters.gitlab_project import GitLabProject
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError
from models.settings import Tracker

EXPIRY_DAYS = 14
DEVELOPER = 30
HOOK_PATH = "/gitlab/hook"


async def examine(
    api: GitLabApi, project: GitLabProject, settings: Tracker, labels: Sequence[str], now: datetime
) -> list[Finding]:
    """Look at everything that an incident needs; what can't be told is a finding too."""

    async def place() -> list[Finding]:
        known = await project.known()
        text = f"{known.path} on {api.host}, as {known.username}"
        findings = [Finding("tracker project", True, text)]
        member = (await project.members()).get(known.username.lower(), {})
        level = int(member.get("access_level") or 0)
        enough = level >= DEVELOPER
        advice = "" if enough else f"Give {known.username} the role Developer in {known.path}."
        findings.append(Finding("tracker role", enough, f"access level {level}, needed is {DEVELOPER}", advice))
        why = known.no_iteration
        text = known.period.name if known.period else why
        advice = "" if not why else "See tracker.cadence. Without an iteration incidents are raised all the same."
        findings.append(Finding("tracker iteration", None if why else True, text, advice))
        return findings

    async def template() -> list[Finding]:
        if await project.fetched_template(settings.template) is not None:
            return [Finding("tracker template", True, f"{settings.template} is there")]
        advice = f"Add .gitlab/issue_templates/{settings.template}.md to the project's default branch."
        text = f"there is no issue template {settings.template!r}; a plain one is used"
        return [Finding("tracker template", False, text, advice)]

    async def labelled() -> list[Finding]:
        there = {str(each.get("name")) for each in await api.pages(f"{project.path}/labels")}
        missing = [label for label in labels if label not in there]
        if not missing:
            return [Finding("tracker labels", True, f"all {len(labels)} are there")]
        text = f"not there yet: {', '.join(missing)}"
        return [Finding("tracker labels", False, text, "Create them; GitLab makes plain ones at first use.")]

    async def hooked() -> list[Finding]:
        if not (settings.webhook_secret.get_secret_value() or settings.webhook_signing_token.get_secret_value()):
            text = f"none is set up: what people do in GitLab is noticed within {settings.poll_seconds:.0f} s"
            return [Finding("tracker webhook", None, text, "See docs/gitlab.md, if that is too late.")]
        try:
            hooks = await api.pages(f"{project.path}/hooks")
        except Permanent:
            return [Finding("tracker webhook", None, "only maintainers may see whether GitLab has it")]
        ours = [each for each in hooks if str(each.get("url") or "").rstrip("/").endswith(HOOK_PATH)]
        if not ours:
            advice = f"Add one in GitLab for issues, confidential issues and comments, to …{HOOK_PATH}."
            return [Finding("tracker webhook", False, "GitLab has none that leads here", advice)]
        state = str(ours[0].get("alert_status") or "executable")
        advice = "" if state == "executable" else "GitLab has switched it off: see its recent deliveries there."
        return [Finding("tracker webhook", state == "executable", f"{ours[0].get('url')}: {state}", advice)]

    try:
        findings = _token(await api.get("/personal_access_tokens/self"), now.date())
    except Missing:
        findings = [Finding("tracker token", None, f"{api.host} does not tell what the token may do")]
    except PortError as error:
        return [Finding("tracker token", False, str(error), "See tracker.url and tracker.token.")]
    for subject, look in (
        ("tracker project", place),
        ("tracker template", template),
        ("tracker labels", labelled),
        ("tracker webhook", hooked),
    ):
        findings += await _looked(subject, look)
    return findings


async def _looked(subject: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look()
    except Missing as error:
        return [Finding(subject, False, str(error), "Correct tracker.project, and let the token's user see it.")]
    except PortError as error:
        return [Finding(subject, False, str(error), "See tracker.url and tracker.token.")]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [Finding(subject, False, f"not understood: {type(error).__name__}", "Is tracker.url a GitLab's?")]


def _token(told: dict[str, Any], today: date) -> list[Finding]:
    scopes = [str(each) for each in told.get("scopes") or ()]
    name = str(told.get("name") or "")
    if told.get("revoked") or told.get("active") is False:
        return [Finding("tracker token", False, f"{name!r} was revoked or has expired", "Renew tracker.token.")]
    if "api" not in scopes:
        text = f"{name!r} has the scopes {', '.join(scopes) or 'none'}; it needs api"
        return [Finding("tracker token", False, text, "Make a token with the scope api.")]
    if not told.get("expires_at"):
        return [Finding("tracker token", True, f"{name!r} has the scope api and does not expire")]
    expires = date.fromisoformat(str(told["expires_at"])[:10])
    days = (expires - today).days
    text = f"{name!r} has the scope api and expires on {expires}, in {days} days"
    if days <= EXPIRY_DAYS:
        return [Finding("tracker token", False, text, "Rotate it in GitLab, and set tracker.token to the new one.")]
    return [Finding("tracker token", True, text)]
