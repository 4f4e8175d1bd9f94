"""torch.compile, for whoever asks for it: fewer passes over memory, after some seconds of work."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from zoo.errors import UsageProblem
from zoo.gpt.model import GPT
from zoo.tables import MESSAGE_LENGTH


def compile_blocks(model: GPT) -> None:
    """Compile the blocks at their first call; being of one form, all share what is made for the first.

    Raises UsageProblem where there is nothing to compile with.
    """
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")  # which torch would take
    if not shutil.which(compiler):
        raise UsageProblem(f"compile=true takes a C++ compiler, and there is no '{compiler}' here (see: CXX)")
    try:
        for block in model.blocks:
            block.compile(dynamic=False)
    except Exception as error:  # torch imports its compiler, which reads the metadata of all that is installed
        raise _does_not_work(error) from error


@contextmanager
def compiling() -> Iterator[None]:
    """While it lasts, blocks may be compiled; raises UsageProblem when that fails."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        raise _does_not_work(error) from error


def _does_not_work(error: Exception) -> UsageProblem:
    why = next(iter(str(error).splitlines()), type(error).__name__)
    return UsageProblem(f"compile=true does not work here: {why[:MESSAGE_LENGTH]}")


@contextmanager
def uncompiled() -> Iterator[None]:
    """While it lasts, blocks run as if they had not been compiled."""
    with torch.compiler.set_stance("force_eager"):
        yield
