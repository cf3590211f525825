"""No foreign text becomes markup, a mention, a link, an entity or a template, wherever it is shown."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import blocks
from cards.blocks import JOINER, clean, escape, inert, link, mention, mention_name, plain, safe_url, size, when
from models.domain.people import Person
from tests.unit.cards.samples import AT

ATTACKS = [
    "<at>All</at>",
    "&lt;at&gt;All&lt;/at&gt;",
    "[bank](https://evil.example)",
    "[https://bank.example](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "https://evil.example/a?b=c",
    "www.evil.example",
    "evil.com",
    "//evil.example",
    "write to boss@evil.example now",
    "mailto:boss@localhost",
    "\u202egnp.exe",
    "pay\u200bpal",
    "\u2066abc\u2069",
    "{{DATE(2026-11-20T10:00:00Z)}} {{TIME(2026-11-20T10:00:00Z)}}",
    "- item",
    "1. item",
    "1) item",
    "# heading",
    "> quote",
    "**bold** __bold__ _it_ *it* ~~gone~~ `code`",
    "| a | b |",
    "a\r\n\r\n- b\x00\x07\x1b[31m",
    "a\u2028- b",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\\[x](https://evil.example)",
    "\\<at>All\\</at>",
    "&#91;x&#93;(https://evil.example)",
    "javascript:alert(1)",
    "-",
    "===",
    "\ud800",
    "Z\u0351\u0351\u0351\u0351\u0351\u0351\u0351\u0351algo",
]

_UNESCAPED = re.compile(r"(?<!\\)(?:\\\\)*[`*_\[\]~|]")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")


def is_inert_markdown(text: str) -> bool:
    """Say whether Markdown, autolinks and Teams' own templates find nothing in it."""
    return not (
        _UNESCAPED.search(text)
        or _ENTITY.search(text)
        or "<" in text
        or ">" in text
        or "//" in text
        or "{{" in text
        or re.search(r"(?<!\u2060)@|@(?!\u2060|$)", text)  # an auto-linker takes a joiner after @ for a host
        or re.search(r"mailto:(?!\u2060|$)", text, re.IGNORECASE)
        or re.search(r"[^\W_]\.[^\W\d_]", text)
        or re.match(r"[-+#=:]|\d{1,9}[.)]", text)
    )


def is_clean(text: str) -> bool:
    """Say whether nothing invisible is left, but for the joiner that the door itself puts in."""
    return not any(
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text.replace(JOINER, "")
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_in_markdown_stays_text(attack: str) -> None:
    text = escape(attack)
    assert is_inert_markdown(text)
    assert is_clean(text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_in_a_text_run_stays_text(attack: str) -> None:
    text = inert(attack)
    assert is_clean(text)
    assert not re.search(r"</?at\b|://|\bwww\.|\{\{", text, re.IGNORECASE)


@given(st.text(max_size=400) | st.lists(st.sampled_from([*ATTACKS, " ", "\\", "/", ".", "a"])).map("".join))
def test_no_text_gets_through_the_door_as_anything_else(text: str) -> None:
    escaped = escape(text, 200)
    assert is_inert_markdown(escaped)
    assert is_clean(escaped)
    run = inert(text, 200)
    assert is_clean(run)
    assert not re.search(r"</?at\b|://|\{\{", run, re.IGNORECASE)
    assert not re.search(r"[<>&]", plain(text, 200))


@given(st.text(max_size=300), st.integers(1, 50))
def test_what_is_cut_says_so(text: str, limit: int) -> None:
    kept = clean(text, limit)
    assert len(kept) <= limit
    whole = clean(text, 10_000)
    assert kept == whole or kept.endswith("…")


def test_a_word_of_a_megabyte_is_cut_at_once() -> None:
    assert len(clean("a" * 1_000_000, 200)) == 200
    assert len(escape("<" * 1_000_000, 200)) < 1000
    assert len(blocks.text_run("[" * 1_000_000, 200)["text"]) == 200


def test_names_of_hosts_stay_copyable_in_text_runs() -> None:
    name = "lookup-db_1.europe-west2-a.prod.internal:5432/var//log"
    assert inert(name) == name


def test_line_breaks_are_kept_only_where_asked_for() -> None:
    assert clean("a\r\nb\u2028c\n\n", 20, lines=True) == "a\nb\nc"
    assert clean("a\r\n b\tc", 20) == "a b c"


@pytest.mark.parametrize(
    "url",
    [
        "https://console.cloud.google.com/monitoring?project=x&a=1",
        "https://gitlab.example.com:8443/a/-/issues/1#note_2",
        "http://localhost:3979/issues/1",
        "http://127.0.0.1/x",
    ],
)
def test_a_good_address_passes_unchanged(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://gitlab.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example/x",
        "/relative",
        "https://user:secret@evil.example/",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://evil.example/a b",
        "https://evil.example/\u202e",
        "https://evil.example/\nx",
        "https://bänk.example/",
        "https://еvil.example/",
        "https://[::1/",
        "https://evil.example:99999/",
        "https://",
        "https://-bad.example/",
        "https://evil.example/" + "a" * 2000,
    ],
)
def test_a_doubtful_address_is_refused(url: str | None) -> None:
    assert safe_url(url) is None


def test_plain_http_is_for_listed_hosts() -> None:
    assert safe_url("http://gitlab.internal/x", http_hosts=["GitLab.internal"]) == "http://gitlab.internal/x"


def test_an_address_cannot_end_its_markdown_link() -> None:
    url = safe_url("https://a.example/x)](https://evil.example/{{DATE(")
    assert url is not None
    assert not set("(){}<>\"'` ") & set(url)
    assert link("Issue", "https://a.example/?a=1&copy=2") == "[Issue](https://a.example/?a=1&amp;copy=2)"


@given(st.text(max_size=100))
def test_any_address_is_refused_or_safe(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example/{text}"):
        passed = safe_url(url)
        assert passed is None or (passed.isascii() and not set("(){}<>\"'` \\") & set(passed))


@given(st.text(max_size=100))
def test_a_mention_holds_nothing_but_a_name(name: str) -> None:
    person = Person("1", name, "29:1")
    assert mention_name(person)
    assert not re.search(r"[<>&\\`*_\[\]{}@]", mention_name(person))
    assert blocks.mention_entity(person)["text"] == mention(person)


def test_times_are_templates_of_ours() -> None:
    assert when(AT) == "{{DATE(2026-11-20T03:12:00Z,SHORT)}} {{TIME(2026-11-20T03:12:00Z)}}"
    assert when(AT, near=AT) == "{{TIME(2026-11-20T03:12:00Z)}}"


def test_size_counts_utf_16() -> None:
    assert size({"a": "😀"}) == 2 * len('{"a":"xx"}')
