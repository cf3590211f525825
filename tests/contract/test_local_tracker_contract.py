from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.local_tracker import LocalTracker
from models.ports import IssueTracker
from tests.contract.tracker_contract import TrackerContract


class TestLocalTracker(TrackerContract):
    @pytest.fixture
    def tracker(self, tmp_path: Path) -> IssueTracker:
        return LocalTracker(tmp_path / "issues of a team", "iam/admin", lambda: datetime.now(UTC))
