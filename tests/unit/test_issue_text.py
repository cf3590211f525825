"""Foreign text in issues: readable, and without any effect.

``commands``, ``mentions`` and ``references`` are ports of what GitLab does with a text, in both of its ways: the
older extractor that reads lines, and the newer one that only looks at paragraphs.
"""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import issue_text

JOINER = "\u2060"
HOSTILE = [
    "/close",
    "/ASSIGN @root",
    "first\n\r/close",
    "first\r\n/close\r\n",
    "first\u2028/close",
    "first\x85/close",
    "first\x0b/close",
    "```\n\n/close",
    "~~~\n/close",
    "````\n/close\n````\n/close",
    "<!-- x -->\n/close",
    "<!-- wilson:incident:1 -->",
    "<!--\nwilson:incident:1 -->",
    "<!-\x00- wilson:incident:1 -->",
    "<details>\n\n/close\n\n</details>",
    ">>>\n/close\n>>>\n/close",
    "   /close",
    "/\u200bclose",
    "@all",
    "(@all)",
    "é@all",
    "_a_@all",
    "*a*@all",
    "&#64;all",
    "&commat;all",
    "[x](@all)",
    '<a href="@all">x</a>',
    "https://x.y/@all https://-@all https://a.b.@all",
    "https://x.y#1",
    'group/project#1 !1 $1 &1 ~label ~"two words" %1 %"two words" ^alert#12',
    "[vulnerability:1] *iteration:1 GL-7",
    "\\@all \\#1",
    "::include{file=secrets}",
    "![x](https://evil/x.png) [x](javascript:alert(1))",
    "\u202eesrever \u2066x\u2069",
    "half \ud800 a pair",
    "1. x",
    "---\ntitle: x\n---",
    "a | b\n--|--\n1 | 2",
    "`" * 30,
    "````````text",
    "$`x`$ {+ x +} [^1]",
]

PIECES = [*"/@#1`\\&;x*_[]()", "```", "~~~", "<!--", "-->", "wilson:", "close", "all", "https://x.y/"]
BREAKS = ["\n", "\r", "\r\n", "\u2028", " ", "\t", JOINER]

foreign = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from([*HOSTILE, *PIECES, *BREAKS]), max_size=12).map("".join),
)


def prose(text: str) -> str:
    """Return what stands outside code blocks, by CommonMark's rules for fences; a code span is kept."""
    kept: list[str] = []
    opened = ""
    for line in text.replace("\r", "").split("\n"):
        if opened:
            if re.fullmatch(rf" {{0,3}}{re.escape(opened[0])}{{{len(opened)},}}[ \t]*", line):
                opened = ""
        elif found := re.match(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})", line):
            opened = found[1]
        else:
            kept.append(line)
    assert not opened, "a fence that swallows what follows"
    return "\n".join(kept)


def lines_extractor(text: str) -> list[str]:
    """The older extractor: any line ``/word`` that one expression doesn't find inside a block."""
    block = r"^```.+?\n```$|^.*`\n*.+?\n*`$|^<[^>]+?>\n.+?\n</[^>]+?>$|^>>>.+?\n>>>$"
    found = re.finditer(rf"(?ims)(?:{block})|^/(?P<name>[a-z_]+)", text.replace("\r", ""))
    return [match["name"].lower() for match in found if match["name"]]


def commands(text: str) -> list[str]:
    """Quick actions that either extractor would run, and any raw line that could become one."""
    return lines_extractor(text) + re.findall(r"(?m)^/([a-z_]+)", prose(text).lower())


def unescaped(text: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def mentions(text: str) -> list[str]:
    return [
        name
        for seen in (text, html.unescape(text), unescaped(text))
        for name in re.findall(r"(?<![A-Za-z0-9])@([A-Za-z0-9_.][\w./-]*)", seen)
    ]


def references(text: str) -> list[str]:
    pattern = r"""[#!$&]\d|~[A-Za-z0-9_"]|%[A-Za-z0-9"]|\[[a-z_]+:|\*iteration:|(?i:\bGL-\d)|(?m:^::include)"""
    return [found for seen in (text, html.unescape(text), unescaped(text)) for found in re.findall(pattern, seen)]


def without_code_spans(text: str) -> str:
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text)


def without_addresses(text: str) -> str:
    return re.sub(r"https?://[A-Za-z0-9.:-]+(/[\w./?=&%#+:,;~-]*)?", "", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/close", ["close"]),
        ("x\n\r/CLOSE now", ["close"]),
        ("<!-- x -->\n/close", ["close"]),
        ("```\n/close\n```", []),
        ("x /close", []),
    ],
)
def test_the_port_of_the_extractor_sees_what_gitlab_sees(text: str, found: list[str]) -> None:
    assert lines_extractor(text) == found
    assert sorted(set(commands(text))) == found


def test_the_port_sees_mentions_and_references() -> None:
    assert mentions("&#64;all") == ["all"]
    assert mentions("\\@all")
    assert not mentions("a@b.c")
    assert references("group/project#1 [vulnerability:1]")


@given(foreign)
@example("\n".join(HOSTILE))
def test_a_fence_holds_everything_inside(text: str) -> None:
    fenced = issue_text.fence(text)
    assert prose(f"before\n\n{fenced}\n\nafter") == "before\n\n\nafter"
    assert commands(issue_text.blocks("before", fenced, "after")) == []


@given(foreign)
def test_a_fence_keeps_the_text(text: str) -> None:
    lines = issue_text.fence(text).split("\n")[1:-1]
    wanted = [line for line in issue_text.clean(text).strip("\n").split("\n") if line.strip()]
    assert [line[1:].replace(JOINER, "") for line in lines if line] == [line.replace(JOINER, "") for line in wanted]


@given(foreign, foreign, foreign, foreign)
def test_nothing_foreign_acts_in_a_composed_issue(mail: str, line: str, word: str, note: str) -> None:
    ours = issue_text.marker("incident", "1")
    body = issue_text.blocks(
        ours,
        f"Reported: {issue_text.quote_line(line)}",
        issue_text.quote_line(line),
        issue_text.plain(word),
        issue_text.fence(mail),
        issue_text.note_text(note),
        "last",
    )
    assert commands(body) == []
    assert body.count(ours) == 1
    assert len(re.findall(r"(?i)<!--\s*wilson", body)) == 1
    assert body.endswith("last")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", body)
    body.encode()


@given(foreign)
@example("\n".join(HOSTILE))
def test_plain_text_is_prose_alone(text: str) -> None:
    shown = issue_text.plain(text)
    assert "\n" not in shown
    assert not mentions(shown)
    assert not references(shown)
    assert not re.search(r"(?<!\\)(\\\\)*[`*_\[\]<>|~]", shown), "Markdown that acts"
    assert not re.search(r"(?i)\w://|www\.", shown), "an address that becomes a link"
    assert unescaped(shown).replace(JOINER, "") == issue_text.one_line(text).replace(JOINER, "")


@given(foreign)
@example("\n".join(HOSTILE))
def test_a_quoted_line_is_one_code_span(text: str) -> None:
    shown = issue_text.quote_line(text)
    assert "\n" not in shown
    assert without_code_spans(f"a {shown} b") in ("a  b", "a b")


@given(foreign)
@example("\n".join(HOSTILE))
@example("http://0/&#64A")
@example("http://0/&commat;0")
def test_a_note_keeps_its_lines_and_does_nothing(text: str) -> None:
    shown = issue_text.note_text(text)
    assert not re.search(r"(?m)^/", shown)
    assert lines_extractor(shown) == []
    assert not mentions(shown)
    assert not references(without_addresses(shown))
    assert not re.search(r"<[A-Za-z/!?]", without_addresses(shown.replace("<https://", "").replace("<http://", "")))
    prose(shown)
    kept = shown.replace(JOINER, "").replace("\\", "").split("\n")
    wanted = issue_text.clean(text).strip("\n").replace(JOINER, "").replace("\\", "").split("\n")
    assert kept[: len(wanted)] == wanted


def test_a_note_stays_readable() -> None:
    note = "Restarted **two** pods:\n\n- see https://x.example/runbook#restart\n- mail a@b.c\n\n```sh\nls -l\n```"
    assert issue_text.note_text(note) == note
    assert issue_text.note_text("/etc/hosts\n  /close") == "\\/etc/hosts\n  \\/close"
    assert issue_text.note_text("thanks @megan, see #12") == f"thanks @{JOINER}megan, see #{JOINER}12"


@given(foreign)
@example("é" * 300)
@example("/" * 300)
def test_a_title_is_one_short_line(text: str) -> None:
    shown = issue_text.title(text)
    assert 0 < len(shown) <= issue_text.TITLE_LENGTH
    assert len(shown.split("\n")) == 1
    assert not shown.startswith(("/", " "))
    assert not mentions(shown.replace("&", ""))


def test_a_title_keeps_its_words() -> None:
    assert issue_text.title("ALERT:  CPU\r\nBcc: x\u202e of #7") == "ALERT: CPU Bcc: x of #7"
    assert issue_text.title("\x00") == "(no title)"
    assert issue_text.title("x" * 300).endswith("x…")


def test_a_long_text_says_what_was_left_out() -> None:
    fenced = issue_text.fence("x" * 50, limit=10)
    assert "x" * 10 in fenced
    assert "x" * 11 not in fenced
    assert "40 more characters" in fenced


@pytest.mark.parametrize("text", ["", "\n", "\x00"])
def test_nothing_to_quote_is_nothing(text: str) -> None:
    assert issue_text.quote_line(text) == ""
    assert issue_text.plain(text) == ""


def test_a_link_is_https_or_no_link() -> None:
    assert issue_text.link("Open [it]", "https://console.example/a?b=1#c") == (
        "[Open \\[it\\]](<https://console.example/a?b=1#c>)"
    )
    for address in ("javascript:alert(1)", "https://x.y/>) @all", "http://x.y", "https://user:pw@evil"):
        assert "](" not in issue_text.link("Open", address)


@pytest.mark.parametrize(("prefix", "unique"), [("", "1"), ("a", ""), ("a", "1 -->"), ("a", "x--y"), ("a\n", "1")])
def test_a_marker_takes_no_foreign_text(prefix: str, unique: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        issue_text.marker(prefix, unique)
    assert issue_text.marker("incident", "7.a_b-c") == "<!-- wilson:incident:7.a_b-c -->"
