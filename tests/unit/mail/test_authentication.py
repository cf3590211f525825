"""Whom our mail server's word makes believable, and what a sender can't talk it into."""

from __future__ import annotations

import pytest

from mailwatcher.authentication import verdict
from models.domain.alerts import Authenticated

EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=alerting.bounces.google.com; dkim=pass (signature was"
    " verified) header.d=google.com;dmarc=pass action=none header.from=google.com;compauth=pass reason=100"
)
FROM = "alerting-noreply@google.com"
PASS, FAIL, NONE = Authenticated.PASS, Authenticated.FAIL, Authenticated.NONE


@pytest.mark.parametrize(
    ("results", "address", "expected"),
    [
        ([EXCHANGE], FROM, PASS),
        ([], FROM, NONE),
        (["none"], FROM, NONE),
        ([EXCHANGE], "", FAIL),
        ([EXCHANGE.replace("dmarc=pass", "dmarc=bestguesspass")], FROM, PASS),
        ([EXCHANGE.replace("dmarc=pass", "dmarc=fail")], FROM, FAIL),
        # 095: an ARC seal makes compauth pass although dmarc fails: a person decides
        ([EXCHANGE.replace("dmarc=pass", "dmarc=fail").replace("reason=100", "reason=130")], FROM, FAIL),
        # what is claimed must be the From that people see
        ([EXCHANGE], "alerting-noreply@attacker.example", FAIL),
        ([EXCHANGE], "x@mail.google.com", PASS),
        # without dmarc: a signature or an envelope sender of the same owner will do, somebody else's will not
        (["spf=none; dkim=pass header.d=git.example.org; dmarc=none"], "gitlab@git.example.org", PASS),
        (["spf=none; dkim=pass header.i=@git.example.org; dmarc=none"], "gitlab@git.example.org", PASS),
        (["spf=none; dkim=pass header.d=evil.example; dmarc=none"], "gitlab@git.example.org", FAIL),
        (["spf=none; dkim=pass header.d=org; dmarc=none"], "gitlab@git.example.org", FAIL),
        (["spf=pass smtp.mailfrom=root@git.example.org; dkim=none; dmarc=none"], "x@git.example.org", PASS),
        (["spf=pass smtp.mailfrom=evil.example; dkim=none; dmarc=none"], "x@git.example.org", FAIL),
        (["spf=softfail smtp.mailfrom=git.example.org; dkim=none; dmarc=none"], "x@git.example.org", FAIL),
        # several signatures
        (["dkim=fail header.d=google.com; dkim=pass header.d=google.com"], FROM, PASS),
        (["dkim=pass header.d=list.example; dkim=fail header.d=google.com"], FROM, FAIL),
        # only the topmost is our server's
        ([EXCHANGE.replace("pass", "fail"), EXCHANGE], FROM, FAIL),
    ],
)
def test_what_our_server_says(results: list[str], address: str, expected: Authenticated) -> None:
    assert verdict(results, address, "", froms=1) is expected


@pytest.mark.parametrize(
    "said",
    [
        'spf=fail smtp.mailfrom="dmarc=pass header.from=google.com"@a.example; dmarc=fail header.from=google.com',
        "spf=fail (dmarc=pass header.from=google.com) dmarc=fail header.from=google.com",
        "dmarc=fail header.from=google.com; dmarc=pass header.from=google.com",
        'spf=none; dkim=none reason="dkim=pass header.d=google.com"; dmarc=none header.from=google.com',
    ],
)
def test_what_a_sender_wrote_into_the_results_is_not_believed(said: str) -> None:
    assert verdict([said], FROM, "", froms=1) is FAIL


def test_where_our_server_has_a_name_no_other_is_believed() -> None:
    named = f"mx.example.org; {EXCHANGE}"
    assert verdict([named], FROM, "mx.example.org", froms=1) is PASS
    assert verdict([named], FROM, "MX.Example.ORG", froms=1) is PASS
    assert verdict([EXCHANGE, f"evil.example; {EXCHANGE}"], FROM, "mx.example.org", froms=1) is NONE
    worse = named.replace("pass", "fail")
    assert verdict([f"evil.example; {EXCHANGE}", worse], FROM, "mx.example.org", froms=1) is FAIL


def test_two_senders_are_none() -> None:
    assert verdict([EXCHANGE], FROM, "", froms=2) is FAIL
