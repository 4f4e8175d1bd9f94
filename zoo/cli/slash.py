"""What a chat does when told by a line that begins with a slash."""

import dataclasses
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from zoo import files
from zoo.cli import numbers
from zoo.cli.terminal import is_terminal, say
from zoo.engine.sampling import Sampling
from zoo.errors import NotFound, UsageProblem, ZooError, did_you_mean
from zoo.home import expand
from zoo.talk import MAX_NEW

if TYPE_CHECKING:
    from zoo.cli.chat import Chat

SLASH = "/"
LONGEST_SEED = 18
ALIASES = {"?": "help"}
CLEAR = "\x1b[2J\x1b[3J\x1b[H"


class Command(NamedTuple):
    """One command: what to type after its name, what it does, and how."""

    usage: str
    help: str
    act: "Callable[[Chat, str], None]"


def obey(chat: "Chat", line: str) -> None:
    """Do what a line says that begins with a slash; raises UsageProblem when there is no such thing."""
    name, _, rest = line.removeprefix(SLASH).strip().partition(" ")
    name = ALIASES.get(name.lower(), name.lower())
    if name not in COMMANDS:
        raise UsageProblem(
            f"no command {SLASH}{name}{did_you_mean(name, COMMANDS)} (see {SLASH}help; {SLASH * 2}{name} is text)"
        )
    COMMANDS[name].act(chat, rest.strip())


def completions(names: Callable[[], Iterable[str]], line: str) -> list[str]:
    """What the last word of a line may become; `names` may fail, and then there are none."""
    if not line.startswith(SLASH):
        return []
    *before, last = line.split(" ")
    if not before:
        candidates: Iterable[str] = (f"{SLASH}{name}" for name in COMMANDS)
    elif before[0] == f"{SLASH}model":
        try:
            candidates = names()
        except ZooError:
            return []
        head, plus, last = last.rpartition("+")
        return [f"{head}{plus}{name}" for name in candidates if name.startswith(last)]
    elif before == [f"{SLASH}set"]:
        candidates = [*(f.name for f in dataclasses.fields(Sampling)), MAX_NEW]
    else:
        return []
    return [word for word in candidates if word.startswith(last)]


def _help(chat: "Chat", rest: str) -> None:
    rows = [(f"{SLASH}{name} {command.usage}".strip(), command.help) for name, command in COMMANDS.items()]
    rows += [
        ("quit, exit, Ctrl-D", "leave"),
        ("Ctrl-C", "stop the text"),
        ('"""', "begin and end a prompt of several lines"),
        (f"{SLASH * 2}word", "text that begins with a slash"),
    ]
    wide = max(len(left) for left, _ in rows)
    say("\n".join(f"{left:{wide}}  {right}" for left, right in rows))


def _model(chat: "Chat", rest: str) -> None:
    if not rest:
        say(", ".join(sorted(chat.app.registry.models())))
        return
    chat.open(tuple(rest.split()))
    chat.greet()


def _set(chat: "Chat", rest: str) -> None:
    key, _, value = rest.partition(" ")
    if not key:
        say(_settings(chat))
    elif not value.strip():
        raise UsageProblem(f"{SLASH}set takes an option and its value, as in {SLASH}set temperature 0.7")
    else:
        for session in chat.sessions:
            session.set(key, value.strip())
        say(_settings(chat))


def _settings(chat: "Chat") -> str:
    options = chat.sessions[0].options()
    return ", ".join(f"{key} {f'{value:g}' if isinstance(value, float) else value}" for key, value in options.items())


def _seed(chat: "Chat", rest: str) -> None:
    if rest:
        if not rest.isdecimal() or len(rest) > LONGEST_SEED:
            raise UsageProblem(
                f"a seed is a whole number of at most {LONGEST_SEED} digits, not '{rest[:LONGEST_SEED]}'"
            )
        for session in chat.sessions:
            session.begin(int(rest))
    say(f"seed {chat.sessions[0].sampler.seed}")


def _retry(chat: "Chat", rest: str) -> None:
    chat.check_spoken()
    chat.draw([session.retry() for session in chat.sessions])


def _more(chat: "Chat", rest: str) -> None:
    chat.check_spoken()
    if rest:
        rest = f" {rest}" if chat.sessions[0].turns[-1].reply[-1:].isalnum() else rest
        chat.say_unknown(rest)
    chat.draw([session.more(rest) for session in chat.sessions])


def _surprise(chat: "Chat", rest: str) -> None:
    from zoo.cli.heat import BITS, show_heat
    from zoo.engine.engine import Engine
    from zoo.measure.surprise import surprise

    chat.check_spoken()
    for session in chat.sessions:
        voice, turn = session.voice, session.turns[-1]
        if not isinstance(voice.engine, Engine):
            raise UsageProblem(f"a blend is not measured; {SLASH}model NAME is one of its members")
        if len(chat.sessions) > 1:
            say(f"[{voice.name}]")
        measured = surprise(voice.engine, voice.vocab, turn.prompt + turn.reply)
        show_heat(measured.text, measured.bits, BITS)
        say(f"{numbers.loss(measured.mean if measured.known else None)} bits per character")


def _clear(chat: "Chat", rest: str) -> None:
    chat.forget()
    if is_terminal(sys.stdout):
        sys.stdout.write(CLEAR)
        sys.stdout.flush()


def _save(chat: "Chat", rest: str) -> None:
    if not rest:
        raise UsageProblem(f"{SLASH}save takes the name of a file")
    path = expand(rest)
    if not path.parent.is_dir():
        raise NotFound(f"there is no directory {path.parent}")
    if path.exists() or path.is_symlink():
        raise UsageProblem(f"{path} is there already; take another name")
    transcript = chat.transcript()
    if not transcript:
        raise UsageProblem("nothing was said yet")
    files.write_new(path, transcript.encode("utf-8", "replace"))
    say(f"saved to {path}")


def _info(chat: "Chat", rest: str) -> None:
    for session in chat.sessions:
        if len(session.voice.models) > 1:
            say(f"{session.voice.name}:")
        for model in session.voice.models:
            r = model.record
            trained = f"{r.dataset}, {r.preset}, {numbers.count(r.parameters)} parameters"
            say(f"{model.name}: {trained}, context {r.model['block_size']}, val loss {numbers.loss(r.val_loss)}")
    kinds = sorted({type(session.voice.engine).__name__ for session in chat.sessions})
    say(f"{_settings(chat)}; computed by {', '.join(kinds)}")


COMMANDS = {
    "help": Command("", "what can be typed here", _help),
    "model": Command("NAME...", "talk to another model, or to several; A+B:0.3 is a blend", _model),
    "set": Command("OPTION VALUE", "how text is drawn, as in /set temperature 0.7", _set),
    "seed": Command("N", "begin the random numbers anew", _seed),
    "retry": Command("", "another reply to the last prompt", _retry),
    "more": Command("[TEXT]", "go on with the last reply, or with TEXT added to it", _more),
    "surprise": Command("", "how much each character of the last prompt and reply surprised the model", _surprise),
    "clear": Command("", "an empty screen, and nothing to go on with", _clear),
    "save": Command("FILE", "write down what was said", _save),
    "info": Command("", "who is talking, and how", _info),
}
