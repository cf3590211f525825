from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.local_tracker import LocalTracker
from models.ports.tracker import IssueTracker
from tests.contract.tracker_contract import TrackerContract


class TestLocalTracker(TrackerContract):
    @pytest.fixture
    def tracker(self, tmp_path: Path) -> IssueTracker:
        self.folder = tmp_path / "issues of a team"
        return LocalTracker(self.folder, "iam/admin", lambda: datetime.now(UTC))

    def pages(self, tracker: IssueTracker) -> list[tuple[str, str]]:
        texts = [file.read_text().rstrip() for file in sorted((self.folder / "pages").iterdir())]
        return [(text.rpartition("\n")[2], text.rpartition("\n")[0]) for text in texts]
