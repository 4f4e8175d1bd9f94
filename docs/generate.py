"""Writes the parts of README.md and docs/ that the code knows better: cog calls these, and `make docs` calls cog."""

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import click

from zoo import cli, errors, hooks
from zoo.cli import numbers
from zoo.cli.presets import CHARACTERS
from zoo.cli.slash import COMMANDS, SLASH
from zoo.config import ModelConfig, TrainConfig, presets
from zoo.plugins import Plugins

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 80
INDENT = "  "


def cli_reference() -> str:
    """The --help of zoo and of every command, under the headings of the command line."""
    settings = {"resilient_parsing": True, "terminal_width": WIDTH - 2}  # click, too, leaves two columns free
    parent = cli.zoo.make_context("zoo", [], **settings)
    parts = [_fence(parent.get_help(), "text")]
    for heading, names in cli.HEADINGS.items():
        parts.append(f"## {heading}")
        for name in names:
            command = cli.zoo.get_command(parent, name)
            assert isinstance(command, click.Command)
            context = command.make_context(name, [], parent=parent, **settings)
            parts += [f"### zoo {name}", _fence(context.get_help(), "text")]
    return _block("\n\n".join(parts))


def slash_table() -> str:
    """What a chat can be told to do."""
    typed = [(f"{SLASH}{name} {command.usage}".strip(), command.help) for name, command in COMMANDS.items()]
    return _block("\n".join(["| type | for |", "| --- | --- |", *(f"| `{line}` | {help} |" for line, help in typed)]))


def readme_tree() -> str:
    """Every module of zoo/ and plugins/ with the first line of its docstring."""
    lines = [line for folder in ("zoo", "plugins") for line in _tree(ROOT / folder, 0)]
    column = max(len(label) for label, _ in lines) + 2
    return _block(_fence("\n".join(f"{label:<{column}}{summary}".rstrip() for label, summary in lines), "text"))


def _tree(folder: Path, depth: int) -> list[tuple[str, str]]:
    """Labels and summaries of a package: itself, the packages in it, its modules."""
    lines = [(f"{INDENT * depth}{folder.name}/", _summary(folder / "__init__.py"))]
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        lines += _tree(package, depth + 1)
    for path in sorted(path for pattern in ("*.py", "*.toml", "*.[ch]") for path in folder.glob(pattern)):
        if path.name != "__init__.py":
            lines.append((f"{INDENT * (depth + 1)}{path.name}", _summary(path)))
    return lines


def _summary(path: Path) -> str:
    """The first line of a module's docstring, or of another file's comment."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".c", ".h"):
        return text.splitlines()[0].removeprefix("/*").strip()
    if path.suffix == ".toml":
        return text.splitlines()[0].removeprefix("#").strip()
    return (ast.get_docstring(ast.parse(text)) or "").split("\n", maxsplit=1)[0]


def file(path: str, language: str) -> str:
    """A file below docs/, as it is."""
    return _block(_fence((ROOT / "docs" / path).read_text(encoding="utf-8"), language))


def hook_signature(name: str) -> str:
    """A hook as zoo/hooks.py declares it."""
    lines = inspect.getsource(getattr(hooks, name)).splitlines()
    (line,) = [line for line in lines if line.startswith("def ")]
    return _block(_fence(f"{line.partition('  #')[0]} ...", "python"))


def hook_names() -> list[str]:
    """The names of the hooks, in the order in which zoo/hooks.py declares them."""
    return [name for name in vars(hooks) if name.startswith("zoo_")]


def hook_table() -> str:
    """Every hook: what it does, whose answer counts, and which bundled plugins implement it."""
    bundled = Plugins(third_party=False).loaded
    rows = []
    for name in hook_names():
        function = getattr(hooks, name)
        summary = (function.__doc__ or "").strip().split(". ", maxsplit=1)[0].rstrip(".")
        first = function.zoo_spec["firstresult"]
        users = ", ".join(plugin.name for plugin in bundled if name in plugin.hooks)
        rows.append([f"`{name}`", summary, "the first that is not None" if first else "all", users])
    return _table(["hook", "what it does", "whose answer counts", "bundled plugins"], rows)


def preset_table() -> str:
    """Every preset with its shape, and what was measured of it."""
    rows = []
    for preset in presets().values():
        model, train, measured = preset.model, preset.train, preset.measured
        sizes = [model.n_layer, model.n_head, model.n_embd, model.block_size, model.dropout]
        rows.append(
            [
                preset.name,
                model.shape,
                *(f"{size:g}" for size in sizes),
                f"{train.max_steps:,}",
                str(train.batch_size),
                f"{model.resolve(CHARACTERS).parameters():,}",
                numbers.loss(measured.get("val_loss")),
                f"{measured['minutes']:.1f}" if "minutes" in measured else numbers.UNKNOWN,
            ]
        )
    heads = ["preset", "shape", "layers", "heads", "width", "context", "dropout", "steps", "batch", "parameters"]
    return _table([*heads, "val loss", "minutes"], rows, right=range(2, 12))


def hyperparameter_table(group: str) -> str:
    """Every hyperparameter of `model` or `train`: key, default and meaning."""
    config = {"model": ModelConfig, "train": TrainConfig}[group]
    rows = []
    for f in dataclasses.fields(config):
        meaning = f.metadata["help"]
        if f.metadata["choices"]:
            meaning += f" (one of {', '.join(f.metadata['choices'])})"
        rows.append([f"`{f.name}`", numbers.value(f.default), meaning])
    return _table(["key", "default", "meaning"], rows)


def exit_code_table() -> str:
    """Every exit code with what it means, from the tree of errors and its drawing."""
    rows = [["0", "", "all went well"], ["1", "", "a bug in zoo"]]
    drawn = re.findall(r"── (\w+) +(128 \+ n|\d+) +(.+)", errors.__doc__ or "")
    for name, code, meaning in drawn:
        rows.append([code, f"`{name}`", meaning])
    rows.append(["141", "", "whoever read the output has closed the pipe"])
    return _table(["code", "error", "meaning"], rows)


def _table(heads: list[str], rows: list[list[str]], right: range = range(0)) -> str:
    """A Markdown table; the columns in `right` are numbers."""
    rules = ["---:" if i in right else "---" for i in range(len(heads))]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return _block("\n".join(f"| {' | '.join(row)} |" for row in [heads, rules, *escaped]))


def _fence(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _block(text: str) -> str:
    """Set apart from the comments around it, as Markdown wants it."""
    return f"\n{text}\n\n"
