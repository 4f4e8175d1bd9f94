"""Leaderboards, drawn: the models of each validation text by their losses, and what a seed alone changes."""

from typing import Any

from zoo.cli import numbers
from zoo.cli.formats import CSV, JSON, MARKDOWN, show_csv, show_markdown
from zoo.cli.json_out import show_json
from zoo.cli.table import Column, show_table
from zoo.cli.terminal import show
from zoo.measure.compare import Leaderboard, Seeds, has_loss
from zoo.registry.model import Model

KEYS = ("val_loss", "val_bpc", "parameters", "steps", "tokens", "seconds", numbers.SPEED, "seed")
COLUMNS = (
    Column("", right=True),
    Column("model"),
    Column("val loss", right=True),
    Column("bpc", right=True, keep=3),
    Column("params", right=True, keep=2),
    Column("steps", right=True, keep=5),
    Column("time", right=True, keep=4),
    Column("tokens/s", right=True, keep=6),
    Column("seed", right=True, keep=7),
    Column("status", keep=1),
)
SEED_COLUMNS = (
    Column("seeds", right=True),
    Column("mean", right=True),
    Column("sd", right=True),
    Column("mean bpc", right=True, keep=1),
    Column("models that differ in nothing else", prose=True),
)


def show_leaderboards(boards: list[Leaderboard], form: str) -> None:
    """Write them as tables or in another form."""
    if form == JSON:
        show_json("leaderboards", leaderboards=[_entry(board) for board in boards])
    elif form == CSV:
        head = ["datasets", "val_protocol", "val_sha256", "rank", "model", "status", *KEYS]
        show_csv(head, [row for board in boards for row in _values(board)])
    else:
        for number, board in enumerate(boards):
            if number:
                show()
            _show_board(board, _title(board, boards), form)


def _show_board(board: Leaderboard, title: str, form: str) -> None:
    rows = [row(rank, model) for rank, model in enumerate(board.models, 1)]
    seed_rows = [seed_row(found) for found in board.seeds]
    if form == MARKDOWN:
        show_markdown(COLUMNS, rows, title=title)
    else:
        show_table(COLUMNS, rows, title=title, bold_row=0 if has_loss(board.models[0]) else -1)
    if seed_rows:
        show()
        (show_markdown if form == MARKDOWN else show_table)(SEED_COLUMNS, seed_rows)


def _title(board: Leaderboard, boards: list[Leaderboard]) -> str:
    others = sum(other.datasets == board.datasets for other in boards) > 1
    text = f", text {board.val_sha256[:8]}" if others else ""
    return f"{', '.join(board.datasets)}{text} ({board.protocol}, nats per character)"


def row(rank: int, model: Model) -> list[str]:
    record = model.record
    speed = record.tokens_per_second
    return [
        str(rank) if has_loss(model) else "",
        model.name,
        numbers.loss(record.val_loss),
        numbers.loss(record.val_bpc),
        numbers.count(record.parameters),
        f"{record.steps:,}",
        numbers.duration(record.seconds),
        numbers.UNKNOWN if speed is None else numbers.count(round(speed)),
        str(record.seed),
        numbers.status(model),
    ]


def seed_row(found: Seeds) -> list[str]:
    names = ", ".join(model.name for model in found.models)
    return [str(len(found.models)), *map(numbers.loss, (found.mean, found.sd, found.mean_bpc)), names]


def _values(board: Leaderboard) -> list[list[Any]]:
    where = [board.datasets, board.protocol, board.val_sha256]
    return [
        [*where, rank if has_loss(m) else None, m.name, m.status, *(getattr(m.record, key) for key in KEYS)]
        for rank, m in enumerate(board.models, 1)
    ]


def _entry(board: Leaderboard) -> dict[str, object]:
    models = [
        {
            "name": m.name,
            "rank": rank if has_loss(m) else None,
            "status": m.status,
            **{key: getattr(m.record, key) for key in KEYS},
        }
        for rank, m in enumerate(board.models, 1)
    ]
    seeds = [
        {
            "models": [model.name for model in found.models],
            "seeds": [model.record.seed for model in found.models],
            "mean": found.mean,
            "sd": found.sd,
            "mean_bpc": found.mean_bpc,
            "sd_bpc": found.sd_bpc,
        }
        for found in board.seeds
    ]
    return {
        "datasets": board.datasets,
        "val_protocol": board.protocol,
        "val_sha256": board.val_sha256,
        "models": models,
        "seeds": seeds,
    }
