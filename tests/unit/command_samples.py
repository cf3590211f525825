"""How tests say something to the bot."""

from bot.command_types import Command, Misused
from bot.commands import parse
from bot.typed_text import strip_mention
from models.domain.people import Person
from tests.unit.domain.samples import PROCESS

BOT = "<at>Wilson</at>"
AT_ADA, AT_BEN = "<at>Ada Lovelace</at>", "<at>Ben Okri</at>"


def say(text: str, *mentioned: Person, in_thread: bool = True, addressed: bool = True) -> Command:
    return parse(strip_mention(text, ["Wilson"]), mentioned, PROCESS, in_thread=in_thread, addressed=addressed)


def misused(text: str, *mentioned: Person, in_thread: bool = True) -> str:
    command = say(text, *mentioned, in_thread=in_thread)
    assert isinstance(command, Misused), command
    return command.text
