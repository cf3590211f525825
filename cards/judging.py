"""Whether it is an incident: the tests of the team's process, in forms and in answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cards import inputs
from cards.blocks import Element, clean, escape
from models.domain.judging import DefinitionTest, Judged
from models.domain.process import Process

YES_NO = (("Yes", "yes"), ("No", "no"))


def judging_inputs(
    tests: Sequence[DefinitionTest], values: Mapping[str, str], judged: Judged | None = None
) -> list[Element]:
    """Return the tests as questions to be answered.

    Args:
        values: What was entered before, by the inputs' names.
        judged: How they were answered when it was judged before.
    """
    said = {True: "yes", False: "no", None: "unknown"}
    held = {f"q_{key}": said[value] for key, value in judged.answers.items()} if judged else {}
    asked = []
    for test in tests:
        name = f"q_{test.key}"
        value = values.get(name, held.get(name, ""))
        choices = (*YES_NO, ("Not known", "unknown"))
        asked.append(inputs.choice(name, clean(test.text, 200), choices, value=value, expanded=True))
    return asked


def instead_input(process: Process, values: Mapping[str, str]) -> list[Element]:
    """Return the offer to raise what serves something that is no incident; nothing where the process has none."""
    kind = process.follow_up(process.judging.follow_up)
    if kind is None:
        return []
    label = clean(f"Where it is none: raise “{kind.name}”", 160)
    return [inputs.toggle("instead", label, on=values.get("instead", "true") == "true")]


def definition_text(process: Process) -> str:
    """Return what an incident is to this team, its tests, and what is done about what is none."""
    judging = process.judging
    parts = [f"**An incident, for this team:** {escape(process.definition, 600)}"]
    if judging.tests:
        needed = any(test.required for test in judging.tests)
        lines = [
            f"- {escape(test.text, 200)} ({'must be' if test.required else ''}"
            f"{' ' if test.required else ''}{'yes' if test.holds else 'no'})"
            for test in judging.tests
        ]
        how = "It is one where each test that must hold does, and one of the others."
        how = how if needed else "It is one where any of these holds."
        parts += ["\n".join(lines), f"{how} Not known counts as an incident: better raised than ignored."]
        parts.append(f"Otherwise: {escape(judging.instead, 300)}")
    return "\n\n".join(parts)
