"""Each shipped process in the running program: a mail arrives, and the team's own words and levels appear."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from demo.people import TEAMMATES, VIEWER
from tests.support.peer import Peer, Post
from tests.support.program import Program

SANA, JONAS, NGOZI = TEAMMATES[0], TEAMMATES[1], TEAMMATES[2]


@contextlib.asynccontextmanager
async def team_of(process: str, folder: Path, chosen: str = "name") -> AsyncIterator[tuple[Program, Peer]]:
    more = f'[process]\n{chosen} = "{process}"\n'
    async with Peer().running() as peer, Program(folder, more).running() as program:
        peer.bot_url = program.bot_url
        await peer.install()
        yield program, peer


async def candidate(program: Program, peer: Peer) -> Post:
    program.send("gcp-firing")
    post = await peer.post("Sign-in is slow")
    await peer.shows(post, "Candidate incident")
    return post


async def test_wilson_decides_about_an_urgent_incident_and_leaves_it_to_the_review(tmp_path: Path) -> None:
    async with team_of("wilson", tmp_path) as (program, peer):
        post = await candidate(program, peer)
        assert VIEWER.name in await peer.click(post, {"do": "claim"})
        await peer.say(
            "urgency users=150 critical=no workaround=no self_resolved=no development_blocked=no", under=post
        )
        await peer.shows(post, "Major Incident Process")
        await peer.say("resolve over=yes; cause: x; rolled back: none; none: renewed", under=post)
        await peer.hears(post, "decision is not recorded")
        await peer.say(f"decide internal with {SANA.name}", under=post)
        await peer.say("resolve over=yes; cause: a bad certificate; rolled back: none; none: renewed", under=post)
        await peer.shows(post, "Resolved incident")
        await peer.until(lambda: any("workflow::Review Required" in each for each in program.issues()))
        await peer.say("story", under=post)
        await peer.hears(post, "# Incident 1: Sign-in is slow")
        await peer.say("lesson badly: nobody watched the certificate", under=post)
        await peer.say("post-mortem", under=post)
        await peer.until(lambda: any("### What went badly" in each for each in program.issues()))
        await peer.say("report")
        await peer.until(lambda: any("How it went" in each.said for each in peer.posts), "the report")
        table = await program.command("report", "--format", "csv")
        assert table.splitlines()[0].startswith("id,title,source,urgency,state")
        assert "Sign-in is slow" in table


async def test_modernisation_platform_has_priorities_a_post_mortem_and_tells_users(tmp_path: Path) -> None:
    async with team_of("modernisation_platform", tmp_path) as (program, peer):
        post = await candidate(program, peer)
        await peer.click(post, {"do": "claim"}, JONAS)
        await peer.hears(post, JONAS.name)
        await peer.shows(post, "Scribe: nobody yet")
        await peer.click(post, {"do": "role", "role": "scribe", "person": SANA.aad_object_id}, JONAS)
        await peer.hears(post, "to be **Scribe**")
        await peer.shows(post, f"Scribe: {SANA.name}")
        await peer.say("role scribe {0}", SANA, under=post, to=[NGOZI])
        await peer.shows(post, f"Scribe: {NGOZI.name}")
        await peer.say("offer help: I know the routes", SANA, under=post)
        await peer.hears(post, "offers help")
        await peer.say("incident Routes flap; service: networking; users=yes")
        flapping = await peer.post("Routes flap")
        await peer.shows(flapping, "Networking - Modernisation Platform")
        await peer.say("services")
        await peer.until(lambda: any("Operations - Modernisation" in each.said for each in peer.posts), "services")
        await peer.say("urgency all_down=no part_down=no at_risk=yes planned=no", JONAS, under=post)
        await peer.shows(post, "P3")
        await peer.say("urgency all_down=yes part_down=yes at_risk=yes planned=no", JONAS, under=post)
        await peer.shows(post, "Are users told now, or later")
        await peer.say(f"decide now with {SANA.name}", JONAS, under=post)
        await peer.hears(post, "Stakeholders are due to be told")
        await peer.say(f"decide later with {SANA.name}, {JONAS.name}", JONAS, under=post)
        await peer.say("resolve over=yes; cause: a route was lost; rolled back: none; none: no", JONAS, under=post)
        await peer.hears(post, "requires the follow-up")
        await peer.say(
            "resolve over=yes; cause: a route; rolled back: none; follow-up: post_mortem; follow-up: runbook",
            JONAS,
            under=post,
        )
        await peer.shows(post, "Resolved incident")
        await peer.hears(post, f"Thanks to {SANA.name}")
        await peer.until(lambda: any("Blameless post-mortem" in each for each in program.issues()))
        await peer.until(lambda: any("workflow::Post Mortem" in each for each in program.issues()))


async def test_tis_shows_what_is_known_and_goes_after_the_underlying_problem(tmp_path: Path) -> None:
    async with team_of("tis", tmp_path) as (program, peer):
        post = await candidate(program, peer)
        assert "Nobody is reminded" not in post.text  # it is critical
        program.send("pipeline-failed")
        assert "Nobody is reminded" not in (await peer.post("Failed pipeline for main")).text
        await peer.say("incident Nobody can log in; description: since nine")
        declared = await peer.post("Nobody can log in")
        await peer.shows(declared, "clear their cache")
        await peer.say("claim", under=declared)
        await peer.say("urgency live_down=yes replicated=yes cleared=no standard_steps=no", under=declared)
        await peer.shows(declared, "Fire-fire")
        await peer.say(f"decide delivery_manager with {NGOZI.name}", under=declared)
        await peer.say("note action: stopped and started the machine", under=declared)
        await peer.say(
            "resolve over=yes; cause: the host; rolled back: none; follow-up: underlying", under=declared
        )
        await peer.shows(declared, "Resolved incident")
        await peer.until(lambda: any("LiveDefect" in each for each in program.issues()))
        await peer.say("lesson prevent: watch the host", under=declared)
        await peer.hears(declared, "“The underlying problem, and how it is prevented from happening again”: watch")
        await peer.say("fire-fire Uploads fail; description: for everybody")
        fired = await peer.post("Uploads fail")
        await peer.hears(fired, "asks everybody to help")
        await peer.hears(fired, "Log page: made")
        await peer.hears(fired, "Channel: not made")
        await peer.say("runbook add", under=declared)
        await peer.hears(declared, "is in the process file already")


async def test_twoi2c_decides_by_objective_tests(tmp_path: Path) -> None:
    async with team_of("twoi2c", tmp_path) as (program, peer):
        post = await candidate(program, peer)
        assert "Is it an incident?" in await peer.click(post, {"do": "open", "form": "judge"})
        await peer.say("raise login=no server=no workers=no", under=post)
        await peer.hears(post, "By the process this is not an incident")
        await peer.say("raise login=yes", under=post)
        await peer.hears(post, "By the process's tests: Are users unable to log in to the hub?")
        await peer.say("incident The hub is slow")
        slow = await peer.post("The hub is slow")
        await peer.say("claim", under=slow)
        await peer.say("urgency login=no server=no workers=no degraded=yes", under=slow)
        await peer.shows(slow, "Soon")
        await peer.say("urgency login=no server=yes workers=no degraded=no", under=slow)
        await peer.shows(slow, "Drop everything")
        await peer.say("hand over {0}", under=slow, to=[SANA])
        await peer.hears(slow, SANA.name)
        await peer.say("resolve over=yes; cause: a quota; rolled back: none; follow-up: prevent", SANA, under=slow)
        await peer.shows(slow, "Resolved incident")
        await peer.until(lambda: any("needs: post-mortem" in each for each in program.issues()))


async def test_wellcome_asks_the_delivery_manager_and_holds_a_retro(tmp_path: Path) -> None:
    async with team_of("wellcome", tmp_path) as (program, peer):
        await peer.say("incident The search shows wrong works")
        post = await peer.post("The search shows wrong works")
        await peer.say("claim", under=post)
        await peer.say("urgency users=10 worse=no downstream=no security=no obvious=yes", under=post)
        await peer.shows(post, "Rapid fix")
        await peer.say("urgency users=10 worse=no downstream=no security=no obvious=no", under=post)
        await peer.shows(post, "Delivery manager: is it an incident")
        await peer.say(f"decide incident with {NGOZI.name}", under=post)
        await peer.say("role delivery manager {0}", under=post, to=[NGOZI])
        await peer.hears(post, "**Delivery manager**")
        await peer.say("resolve over=yes; cause: an index; rolled back: none; follow-up: retro", under=post)
        await peer.hears(post, "declares it resolved")
        await peer.say("resolve over=yes; cause: an index; rolled back: none; follow-up: retro", NGOZI, under=post)
        await peer.shows(post, "Resolved incident")
        await peer.until(lambda: any("Incident retro" in each for each in program.issues()))
        await peer.shows(post, "It waits for the incident retro, which closes it.")
        await peer.say("review")
        await peer.until(
            lambda: any("1 awaits the incident retro" in each.text for each in peer.posts), "the retro"
        )
        await peer.say("lesson cause: the index was built from an old snapshot", under=post)
        await peer.say("post-mortem", under=post)
        await peer.until(lambda: any("### The causes of the problem" in each for each in program.issues()))
        await peer.say("incident A key is in a public repository")
        leak = await peer.post("A key is in a public repository")
        await peer.say("claim", under=leak)
        await peer.say("urgency users=0 worse=yes downstream=no security=yes obvious=no", under=leak)
        await peer.hears(leak, "It is a matter of security")
        await peer.shows(leak, "mark it so with Security under More")
        await peer.say("security", under=leak)
        await peer.shows(leak, "Handled in private")


async def test_a_process_of_ones_own_may_be_the_least_that_the_documentation_names(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "process.md").read_text(encoding="utf-8")
    least = next(part for part in text.split("```")[1::2] if 'name = "kitchen"' in part).removeprefix("toml\n")
    file = tmp_path / "kitchen.toml"
    file.write_text(least.replace("Kitchen:", "Küche:").replace('"Disturbance"', '"Störung"'), encoding="utf-8")
    async with team_of(str(file), tmp_path, "path") as (program, peer):
        post = await candidate(program, peer)
        await peer.say("claim", under=post)
        await peer.say("urgency cold=yes", under=post)
        await peer.shows(post, "Störung")
        for command, said in (
            ("decide now with Ada", "knows no decision"),
            ("follow-up documentation", "knows no follow-ups"),
            ("role scribe", "names no roles"),
            ("service oven", "There is no service"),
        ):
            await peer.say(command, under=post)
            await peer.hears(post, said)
        assert "follow_" not in await peer.click(post, {"do": "open", "form": "resolve"})
        await peer.say("resolve over=yes; cause: the oven; rolled back: none", under=post)
        await peer.shows(post, "Resolved incident")
        await peer.say("post-mortem", under=post)
        await peer.until(lambda: any("### What went badly" in each for each in program.issues()))
        await peer.say("close at the review", under=post)
        await peer.shows(post, "Closed incident")
        await peer.say("help")
        await peer.until(lambda: any("Küche: disturbances" in each.said for each in peer.posts), "help")
        assert not any("`follow-up" in each.said or "`decide <" in each.said for each in peer.posts)


async def test_the_rota_is_named_on_a_candidate_and_changed_by_command(tmp_path: Path) -> None:
    week = "\n".join(
        f'{day} = "sana"' for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
    (tmp_path / "rota.toml").write_text(
        f'[people.sana]\nname = "{SANA.name}"\nid = "{SANA.aad_object_id}"\n\n[week]\n{week}\n'
    )
    more = f'[rota]\nkind = "file"\npath = "{tmp_path}/rota.toml"\n'
    async with Peer().running() as peer, Program(tmp_path, more).running() as program:
        peer.bot_url = program.bot_url
        await peer.install()
        post = await candidate(program, peer)
        await peer.shows(post, "On call, to see that it is handled")
        assert SANA.name in post.text
        await peer.say("oncall swap {0} {1} today", to=[JONAS, NGOZI])
        await peer.until(lambda: any("is not on call then" in each.said for each in peer.posts), "a refusal")
        await peer.say("oncall cover {0} today", to=[JONAS])
        called = lambda each: "whoever's shift" in each.said and JONAS.id in each.said  # noqa: E731
        await peer.until(lambda: any(called(each) for each in peer.posts), "the change, told to whom it concerns")
        await peer.say("oncall")
        await peer.until(lambda: any(f"{JONAS.name} (changed)" in each.said for each in peer.posts), "the days")
        lines = (await program.command("rota", "--days", "2")).splitlines()
        assert lines[0].endswith(f"{JONAS.name} (changed)")
        assert lines[1].endswith(SANA.name)
        await program.stop()
        await program.start()
        await peer.say("oncall undo today")
        await peer.until(lambda: any("Taken back" in each.said for each in peer.posts), "what was taken back")
