"""Evaluations, drawn: what commands that measure have in common."""

import dataclasses
from typing import TYPE_CHECKING

from zoo.cli import numbers
from zoo.cli.terminal import one_line

if TYPE_CHECKING:
    from zoo.measure.evaluate import Evaluation
    from zoo.measure.matrix import Matrix

UNIT = "nats per character"


def unknown_notes(evaluations: "list[Evaluation]") -> list[str]:
    """What unknown characters were counted as, if there were any, and which losses to distrust for them."""
    from zoo.measure.evaluate import LEAST_COVERAGE
    from zoo.protocol import bits, unknown_nats

    notes = []
    if any(e.unknown for e in evaluations):
        notes.append(f"a character that a model does not know counts {bits(unknown_nats()):.1f} bits")
    if not all(e.is_covered for e in evaluations):
        low = f"less than {100 * LEAST_COVERAGE:.0f} % of the characters are known"
        notes.append(f"{numbers.FLAG} {low}: the loss tells more about the alphabet than about the model")
    return notes


def flags(matrix: "Matrix", i: int, j: int) -> str:
    """Return the signs before a loss of the matrix that says less than it seems to."""
    evaluation = matrix.rows[i][j]
    is_covered = evaluation is None or evaluation.is_covered
    return (numbers.READ if (i, j) in matrix.read else "") + ("" if is_covered else numbers.FLAG)


def flag_notes(matrix: "Matrix") -> list[str]:
    """Return what the flags in a matrix mean, for those that it has."""
    from zoo.measure.evaluate import LEAST_COVERAGE

    seen = {sign for i, row in enumerate(matrix.rows) for j in range(len(row)) for sign in flags(matrix, i, j)}
    notes = {
        numbers.READ: "read a part of it in training",
        numbers.FLAG: f"less than {100 * LEAST_COVERAGE:.0f} % of the characters known",
    }
    return [f"{sign} {note}" for sign, note in notes.items() if sign in seen]


def figures(evaluation: "Evaluation") -> dict[str, object]:
    """An evaluation as JSON: with what it was computed from, so that it can be traced to weights and text."""
    keys = ("protocol", "loss", "bits_per_character", "bits_per_byte", "perplexity", "coverage")
    values = {key: getattr(evaluation, key) for key in keys}
    return {**values, "covered": evaluation.is_covered, **dataclasses.asdict(evaluation)}


def heads(matrix: "Matrix") -> list[str]:
    """What the columns of a matrix are called: by their texts, and where two have one name by their hashes, too."""
    names = [passage.name for passage in matrix.passages]
    return [
        one_line(name if names.count(name) == 1 else f"{name} {passage.sha256[:8]}")
        for name, passage in zip(names, matrix.passages, strict=True)
    ]
