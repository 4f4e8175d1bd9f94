"""A time limit becomes a number of steps, before the first of them: no clock decides what a run does."""

import dataclasses
import time
from typing import Any

from zoo.config import MOST, ModelConfig, TrainConfig
from zoo.corpora.vocab import Vocab
from zoo.errors import UsageProblem
from zoo.events import OnEvent, Planned, Progress, ignore
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.runs.estimate import Rehearsal, count_validations, estimate, rehearse
from zoo.runs.plan import Request, plan
from zoo.runs.spec import Spec

SHARE = 0.92  # of the time is planned for; samples, checkpoints and what was not foreseen take the rest
MOST_VALIDATING = 0.25  # of the time, or there are fewer validations


def prepare(
    home: Home, plugins: Plugins, request: Request, *, until: float | None = None, on_event: OnEvent = ignore
) -> tuple[Spec, Vocab, Planned]:
    """Plan a run, with as many steps as fit if it must be over at `until`, a moment of time.monotonic(), and estimate
    what it takes."""
    on_event(Progress("planning", 0, None, "steps"))  # which begins with loading torch
    spec, vocab = plan(home, plugins, request, on_event)
    rehearsal = rehearse(home, spec, vocab, on_event=on_event)
    if until is not None:
        spec = within(until - time.monotonic(), request, spec, rehearsal)
    return spec, vocab, estimate(spec, rehearsal)


def within(seconds: float, request: Request, spec: Spec, rehearsal: Rehearsal) -> Spec:
    """The spec with as many steps as so many seconds allow, and the command that asks for them.

    A shorter run than the preset's is the preset's in small, with its validations and its warm-up nearer together; a
    longer one has more of the same. What --set says stays. Raises UsageProblem when there is no time for one step.
    """
    left = seconds * SHARE - rehearsal.ending(spec)
    steps, settings = _steps(left, request, spec.model, spec.train, rehearsal)
    if steps < 1:
        needed = (rehearsal.ending(spec) + rehearsal.validation(spec.model, spec.train) + rehearsal.step) / SHARE
        raise UsageProblem(
            f"--max-time has {max(0, seconds):.1f} s left, and a single step needs {needed:.1f} s with all else"
        )
    if steps < spec.train.max_steps and "warmup_steps" not in request.settings:
        settings["warmup_steps"] = spec.train.warmup_steps * steps // spec.train.max_steps
    settings = {key: value for key, value in settings.items() if value != getattr(spec.train, key)}
    settings["max_steps"] = min(steps, MOST)
    asked = {**request.settings, **{key: str(value) for key, value in settings.items()}}
    command = dataclasses.replace(request, preset=spec.preset, dtype=spec.dtype, settings=asked).command()
    return dataclasses.replace(spec, train=dataclasses.replace(spec.train, **settings), command=command)


def _steps(
    left: float, request: Request, model: ModelConfig, train: TrainConfig, rehearsal: Rehearsal
) -> tuple[int, dict[str, Any]]:
    """How many steps and validations take so many seconds, and how far these are apart if not as before."""
    each = rehearsal.validation(model, train)
    steps = int((left - each) / (rehearsal.step + each / train.eval_every))
    if steps >= train.max_steps or "eval_every" in request.settings:
        return steps, {}
    validations = max(1, min(count_validations(train), int(left * MOST_VALIDATING / each)))
    steps = int((left - validations * each) / rehearsal.step)
    return steps, {"eval_every": max(1, -(-steps // validations))}
