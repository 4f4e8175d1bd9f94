"""The command line: options in, rendering out. One file a command; the only room of click and rich."""

import contextlib
import importlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

import click

from zoo import __version__
from zoo.cli.signals import unwind_on_signals
from zoo.cli.terminal import fill, is_terminal, safe
from zoo.errors import Stopped, StorageProblem, ZooError, did_you_mean, shortage

HEADINGS = {
    "corpora": ("fetch", "datasets", "plugins"),
    "train": ("train", "resume", "presets", "verify", "reproduce"),
    "look": ("list", "show", "compare", "report"),
    "talk": ("chat", "generate", "surprise"),
    "measure": ("eval", "matrix", "who", "novelty", "timeline"),
    "keep": ("rename", "rm", "restore", "doctor", "completion"),
}
ELSEWHERE = {"delete": "rm", "remove": "rm", "mv": "rename", "ls": "list"}  # what other programs call a command
COMMANDS = [name for names in HEADINGS.values() for name in names]


class ZooGroup(click.Group):
    """Commands are imported when they are called, and listed under their headings."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _check_options(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"zoo.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(
                f"no command '{args[0]}'{did_you_mean(ELSEWHERE.get(args[0], args[0]), COMMANDS)}", ctx
            )
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            own = click.Context(command, parent=ctx, info_name=command.name, **command.context_settings)
            _check_options(own, rest)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in HEADINGS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(heading):
                formatter.write_dl([(name, command.get_short_help_str(100)) for name, command in commands if command])


def _check_options(ctx: click.Context, args: list[str]) -> None:
    """Raise UsageError for options that click would drop silently, or whose mistake it would not explain.

    click takes the last value of an option that is given twice, and does not know that an option of `zoo` itself
    belongs before the command. Of several --home the last counts: an alias may hold the first.
    """
    try:
        given = ctx.command.make_parser(ctx).parse_args([*args])[2]
    except click.UsageError as error:
        if isinstance(error, click.NoSuchOption) and ctx.parent:
            for option in ctx.parent.command.params:
                if error.option_name in option.opts:
                    words = " ".join(filter(None, (error.option_name, option.metavar)))
                    way = f"zoo {words} {ctx.info_name}"
                    raise click.UsageError(
                        f"{error.option_name} belongs before the command: {way}", ctx.parent
                    ) from None
        error.ctx = error.ctx or ctx
        raise
    for option, times in Counter(given).items():
        if not isinstance(option, click.Option) or option.multiple or option.is_flag or option.count:
            continue
        if times > 1 and option.name != "home":
            often = "twice" if times == 2 else f"{times} times"
            raise click.UsageError(f"{max(option.opts, key=len)} was given {often}, and takes one value", ctx)


@click.group(cls=ZooGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(),
    metavar="DIR",
    help="The zoo to use, instead of ZOO_HOME, the nearest one above, or your own.",
)
@click.option("--no-plugins", is_flag=True, help="Load only the plugins that come with zoo.")
@click.version_option(__version__, prog_name="zoo")
@click.pass_context
def zoo(ctx: click.Context, home: str | None, no_plugins: bool) -> None:
    """Train, keep, compare and talk to small GPTs, one per corpus."""
    from zoo.cli.app import App

    ctx.obj = App(began=ctx.obj, home=home, third_party_plugins=not no_plugins)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of what happened."""
    began = time.monotonic() - time.process_time()  # as good as all that Python's own start took
    _open_streams()
    with unwind_on_signals():
        code = run(args, began)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not turn the end into a traceback
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _closed_pipe()
    except OSError as error:
        code = code or _fail(
            f"cannot write the output: {(error.strerror or str(error)).lower()}", StorageProblem.exit_code
        )
        _discard(sys.stdout)
    try:
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)
    sys.exit(code)


def _open_streams() -> None:
    """Give the streams that were closed for us to nothing, and let no text be too strange for the others."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free, so that no file of ours becomes it
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: SIM115
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def run(args: Sequence[str] | None = None, began: float | None = None) -> int:
    """The exit code of a command line, which began when time.monotonic() said so, or now; every failure is one line on
    stderr."""
    began = time.monotonic() if began is None else began
    try:
        outcome = zoo.main(args=args, prog_name="zoo", standalone_mode=False, obj=began)
        return outcome if isinstance(outcome, int) else 0
    except Exception as error:
        if os.environ.get("ZOO_DEBUG") == "1" and not isinstance(error, click.exceptions.Exit | BrokenPipeError):
            import traceback

            traceback.print_exc()
        return _code_of(error)
    except SystemExit as end:  # click's way with a shell that completes, and with a closed pipe
        return int(end.code or 0) if "_ZOO_COMPLETE" in os.environ else _closed_pipe()
    except KeyboardInterrupt:
        return _fail("interrupted", 128 + signal.SIGINT, label="")


def _code_of(error: Exception) -> int:
    """Say what went wrong, and return the exit code for it."""
    match error:
        case ZooError():
            asked_for = isinstance(error, Stopped)
            return _fail(str(error), error.exit_code or ZooError.exit_code, label="" if asked_for else "error: ")
        case click.exceptions.Exit():
            return error.exit_code
        case click.Abort():
            return _fail("interrupted", 128 + signal.SIGINT, label="")
        case click.exceptions.NoArgsIsHelpError():
            print(error.ctx.get_help() if error.ctx else "")
            return 0
        case click.ClickException():
            return _fail(_usage(error), 2)
        case BrokenPipeError():
            return _closed_pipe()
        case _ if problem := shortage(error):
            return _fail(str(problem), problem.exit_code)
        case OSError():
            return _fail(f"{(error.strerror or str(error)).lower()}{_file_of(error)}", StorageProblem.exit_code)
    kind = type(error).__name__
    return _fail(f"this is a bug in zoo: {kind}: {error}; ZOO_DEBUG=1 shows where, please report it", 1)


def _usage(error: click.ClickException) -> str:
    """click's words in our form: lower case, no full stop, and where to read on."""
    text = error.format_message().rstrip(".")
    text = text[:1].lower() + text[1:]
    ctx: Any = getattr(error, "ctx", None)
    return f"{text} (see: {ctx.command_path} --help)" if ctx else text


def _file_of(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def _fail(message: str, code: int, label: str = "error: ") -> int:
    from zoo.masking import masked

    with contextlib.suppress(OSError):  # a full or closed stderr must not hide the exit code
        text = f"zoo: {label}{safe(masked(' '.join(message.split())))}"
        print(fill(text) if is_terminal(sys.stderr) else text, file=sys.stderr)
    return code


def _closed_pipe() -> int:
    """Whoever read our output has gone: say nothing."""
    _discard(sys.stdout)
    return 141  # 128 + SIGPIPE, which not every system knows


def _discard(stream: TextIO) -> None:
    """Let what is left in a stream's buffer go nowhere when Python flushes it at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
