"""What the team writes down of what it learns, as a process file names it (T14, P54, L40, L41)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.process_reader import Reader

MOST = 12


@dataclass(frozen=True, slots=True)
class LessonKind:
    """Something that lessons are about.

    Attributes:
        key: What is stored with a lesson, and named by the command.
        name: What the form and the post-mortem call it.
        words: What the command takes for it besides the key and the name.
    """

    key: str
    name: str
    words: tuple[str, ...] = ()

    @property
    def spoken(self) -> tuple[str, ...]:
        """Everything that names it in a command."""
        return (self.key, self.name, *self.words)


USUAL = (
    LessonKind("well", "What went well"),
    LessonKind("badly", "What went badly"),
    LessonKind("lucky", "Where we were lucky"),
    LessonKind("learnt", "What we learnt", ("learned",)),
)
"""Those of a process that names none. A lesson that does not say what it is about is about the last."""


def lesson_kind(key: str, kinds: Sequence[LessonKind]) -> LessonKind:
    """Return what a stored lesson is about, also where the process has dropped that since."""
    known = {each.key: each for each in (*USUAL, *kinds)}
    return known.get(key) or LessonKind(key, key.replace("_", " ").capitalize())


def read_lessons(readers: Sequence[Reader]) -> tuple[LessonKind, ...]:
    """Read ``[[lessons]]``.

    Args:
        readers: The tables; none for the usual kinds.

    Raises:
        ProcessError: An entry does not fit, or two are called alike.
    """
    made: list[LessonKind] = []
    said: set[str] = set()
    for reader in readers:
        kind = LessonKind(reader.key(), " ".join(reader.text("name").split()), reader.texts("words"))
        if len(kind.name) > 80:
            reader.wrong(f"name holds {kind.name!r}; it needs at most 80 characters")
        if any(not word.strip() or len(word) > 40 for word in kind.words):
            reader.wrong(f"words holds {list(kind.words)!r}; each needs 1 to 40 characters")
        mine = {" ".join(each.split()).casefold() for each in kind.spoken} - {""}
        if twice := sorted(mine & said):
            reader.wrong(f"{twice[0]!r} names another, too; each needs words of its own")
        said |= mine
        reader.done()
        made.append(kind)
    if len(made) > MOST:
        readers[-1].wrong(f"this is one of {len(made)}; at most {MOST} fit into the form")
    return tuple(made) or USUAL
