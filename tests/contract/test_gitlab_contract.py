"""The contract of issue trackers, held by GitLab: on Premium and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.adapters.gitlab import GitLabTracker
from models.ports.tracker import IssueTracker
from models.settings import Tracker
from tests.contract.tracker_contract import TrackerContract
from tests.support.gitlab import TOKEN, GitLab
from tests.support.gitlab_contract import needs_contracts

LABELS = ("workflow::In Progress", "workflow::Review Required")


@needs_contracts
class TestGitLab(TrackerContract):
    @pytest.fixture
    async def tracker(self) -> AsyncIterator[IssueTracker]:
        async with GitLab().running() as server:
            self.server = server
            settings = Tracker(kind="gitlab", url=server.url, token=SecretStr(TOKEN))
            tracker = GitLabTracker(settings, lambda: datetime.now(UTC), LABELS)
            yield tracker
            await tracker.close()
            assert server.violations == []
            assert server.commands == []

    def pages(self, tracker: IssueTracker) -> list[tuple[str, str]]:
        assert all(each.visibility == "private" for each in self.server.snippets)
        return [(each.description.split("\n")[-1], each.files["log.md"]) for each in self.server.snippets]
