"""Which project a GitLab mail is about, from its links."""

from __future__ import annotations

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers.gitlab import host_and_path


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ("https://git.example.org/iam/admin/-/pipelines/7", "iam/admin"),
        ("https://git.example.org/iam/admin/pipelines/7", "iam/admin"),
        ("https://git.example.org/iam/jobs/runner/-/pipelines/7", "iam/jobs/runner"),
        (
            "https://git.example.org/iam/pipelines/tool/commit/abc\nhttps://git.example.org/iam/pipelines/tool/-/jobs/1",
            "iam/pipelines/tool",
        ),
    ],
)
def test_a_group_may_be_named_like_a_page_of_old_addresses(links: str, path: str) -> None:
    mail = read_mail(f"From: g@git.example.org\nSubject: x\n\n{links}\n".encode())
    assert host_and_path(mail) == ("git.example.org", path)
