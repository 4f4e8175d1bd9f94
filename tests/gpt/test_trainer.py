"""The trainer: what repeats, what resumes, what a loss is."""

import hashlib
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo import files
from zoo.config import ModelConfig, TrainConfig
from zoo.errors import BadData, Diverged, StorageProblem, UsageProblem
from zoo.events import Evaluated, Stepped, Validating
from zoo.gpt.batches import Batches
from zoo.gpt.checkpoint import KEEP, Progress, load_checkpoint, read, save_checkpoint
from zoo.gpt.evaluate import validation, validation_loss
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import make_optimizers
from zoo.gpt.schedule import learning_rate_at
from zoo.gpt.trainer import Trainer
from zoo.protocol import Window, windows
from zoo.weights import to_bytes

VOCAB = 11
IDS = np.random.default_rng(0).integers(0, VOCAB, size=400).astype(np.uint16)
TRAIN_IDS, VAL_IDS = IDS[:300], IDS[300:]
SHAPES = {
    "modern": {"shape": "modern", "activation": "swiglu"},
    "classic_tied": {"shape": "classic", "activation": "gelu", "tied": True, "norm_bias": True, "mlp_bias": True},
    "dropout": {"shape": "classic", "activation": "relu", "dropout": 0.3},
    "muon": {"shape": "modern", "activation": "swiglu"},
    "muon_bfloat16": {"shape": "modern", "activation": "swiglu", "dropout": 0.1},
}


def model_config(shape: str = "modern", **changes: object) -> ModelConfig:
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 8, "block_size": 6}
    return ModelConfig(**{**SHAPES[shape], **sizes, **changes}).resolve(VOCAB)


def train_config(**changes: object) -> TrainConfig:
    values = {"max_steps": 7, "batch_size": 3, "warmup_steps": 3, "eval_every": 2, "learning_rate": 1e-2}
    return TrainConfig(**{**values, **changes})


def make_trainer(checkpoints: Path, shape: str = "modern", *, seed: int = 5, **changes: object) -> Trainer:
    changes = {"optimizer": "muon" if "muon" in shape else "adamw", **changes}
    return Trainer(
        model_config(shape),
        train_config(**changes),
        train_ids=TRAIN_IDS,
        val_ids=VAL_IDS,
        val_characters=len(VAL_IDS),
        seed=seed,
        device="cpu",
        dtype="bfloat16" if "bfloat16" in shape else "float32",
        checkpoints=checkpoints,
    )


def as_bytes(weights: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in weights.items()}


def outcome(trainer: Trainer) -> tuple[dict[str, bytes], dict[str, bytes], tuple[object, ...]]:
    """All of a finished training that must repeat: last weights, best weights, progress but the clock."""
    p = trainer.progress
    numbers = (p.step, p.evaluated_step, p.best_step, p.best_val_loss, p.train_loss, p.loss_sum, p.loss_count)
    return as_bytes(trainer.current_weights()), as_bytes(trainer.best_weights()), numbers


def test_the_same_seed_gives_the_same_events(tmp_path):
    first = list(make_trainer(tmp_path / "a").run())
    assert list(make_trainer(tmp_path / "b").run()) == first
    assert list(make_trainer(tmp_path / "c", seed=6).run()) != first


def test_events_come_in_order_and_the_end_is_validated(tmp_path):
    events = list(make_trainer(tmp_path).run())
    assert [event.step for event in events if isinstance(event, Stepped)] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.step for event in events if isinstance(event, Evaluated)] == [2, 4, 6, 7]
    rates = [event.learning_rate for event in events if isinstance(event, Stepped)]
    assert rates == [learning_rate_at(step, train_config()) for step in range(7)]
    losses = [event.train_loss for event in events if isinstance(event, Stepped)]
    first = next(event for event in events if isinstance(event, Evaluated))
    assert first.train_loss == pytest.approx((losses[0] + losses[1]) / 2)


def test_training_lowers_the_loss(tmp_path):
    ids = np.tile(np.arange(VOCAB, dtype=np.uint16), 40)
    trainer = make_trainer(tmp_path, max_steps=60, eval_every=20)
    trainer.batches.ids, trainer.val_ids = ids, ids[:100]
    losses = [event.train_loss for event in trainer.run() if isinstance(event, Stepped)]
    assert losses[0] == pytest.approx(math.log(VOCAB), abs=0.2)
    assert losses[-1] < 1


def test_batches_are_a_function_of_seed_and_step():
    def batches(seed: int) -> Batches:
        return Batches(TRAIN_IDS, block_size=6, batch_size=4, seed=seed, device="cpu")

    there, back = batches(1), batches(1)
    forward = [there.at(step) for step in range(20)]
    backward = [back.at(step) for step in reversed(range(20))][::-1]
    for (inputs, targets), (same_inputs, same_targets) in zip(forward, backward, strict=True):
        assert torch.equal(inputs, same_inputs)
        assert torch.equal(targets, same_targets)
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert len({inputs.numpy().tobytes() for inputs, _ in forward}) == 20
    assert not torch.equal(batches(2).at(0)[0], forward[0][0])


def test_batches_reach_both_ends_of_the_text():
    ids = np.arange(9)
    batches = Batches(ids, block_size=6, batch_size=64, seed=0, device="cpu")
    inputs, targets = batches.at(0)
    assert set(inputs[:, 0].tolist()) == {0, 1, 2}
    assert targets.max().item() == 8
    smallest = Batches(ids[:7], block_size=6, batch_size=2, seed=0, device="cpu").at(0)
    assert smallest[0].tolist() == [[0, 1, 2, 3, 4, 5]] * 2


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
@pytest.mark.parametrize("warmup", [0, 1, 4, 10, 20])
def test_the_learning_rate_rises_then_follows_its_schedule(schedule, warmup):
    config = TrainConfig(max_steps=10, warmup_steps=warmup, learning_rate=1.0, min_learning_rate=0.1, schedule=schedule)
    rates = [learning_rate_at(step, config) for step in range(11)]
    rising = rates[: min(warmup, 11)]
    assert rising == [pytest.approx((step + 1) / (warmup + 1)) for step in range(len(rising))]
    falling = rates[warmup:]
    for done, rate in enumerate(falling):
        share = done / max(1, 10 - warmup)
        expected = {
            "constant": 1.0,
            "linear": 1.0 - 0.9 * share,
            "cosine": 0.1 + 0.45 * (1 + math.cos(math.pi * share)),
        }[schedule]
        assert rate == pytest.approx(expected)
    assert all(0 < rate <= 1 for rate in rates)
    if warmup < 10:
        assert rates[warmup] == 1.0
        assert rates[10] == pytest.approx(1.0 if schedule == "constant" else 0.1)


def test_only_matrices_decay():
    model = GPT(model_config("classic_tied"))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    (optimizer,) = make_optimizers(model, train_config(weight_decay=0.3), "float32")
    optimizer.step(1.0)
    for name, parameter in model.named_parameters():
        shrunk = 1 - 0.3 * train_config().learning_rate if parameter.dim() >= 2 else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * shrunk)


@pytest.mark.parametrize("block_size", [1, 2, 3, 5, 16, 128])
def test_windows_score_every_position_but_the_first_exactly_once(block_size):
    for n in [0, 1, 2, 3, 4, 5, 15, 16, 17, 18, 31, 32, 33, 34, 128, 129, 130, 257, 500]:
        chosen = list(windows(n, block_size))
        scored = [start + 1 + offset for start, length, _ in chosen for offset in range(length)]
        assert scored == list(range(1, n))
        assert all(length == block_size for _, length, _ in chosen[:-1])
        assert all(1 <= length <= block_size for _, length, _ in chosen)


def naive_loss(model: GPT, ids: np.ndarray, chosen: list[Window]) -> tuple[float, int]:
    """The sum over windows in float64, one position at a time, and how many positions."""
    total, count = 0.0, 0
    for start, length, _ in chosen:
        window = torch.from_numpy(ids[start : start + length].astype(np.int64))[None]
        with torch.no_grad():
            logits = model.eval()(window)[0].double().numpy()
        for t in range(length):
            row = logits[t]
            total += math.log(np.exp(row - row.max()).sum()) + row.max() - row[int(ids[start + t + 1])]
            count += 1
    return total, count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [2, 6, 7, 8, 61, 100])
def test_validation_loss_is_the_naive_sum_over_windows(shape, n):
    torch.manual_seed(3)
    model = GPT(model_config(shape)).train()
    ids, block_size = VAL_IDS[:n], model.config.block_size
    total, count = naive_loss(model, ids, list(windows(n, block_size)))
    assert count == n - 1
    model.train()
    assert validation_loss(model, ids, n) == pytest.approx(total / (n - 1), rel=1e-6)
    assert model.training
    # a text of fewer characters than ids, as with bytes, is counted per character
    characters = n // 2 + 1
    assert validation_loss(model, ids, characters) == pytest.approx(total / (characters - 1), rel=1e-6)


def test_at_most_scores_a_spread_of_windows_and_extrapolates():
    torch.manual_seed(3)
    model = GPT(model_config())
    chosen = list(windows(len(VAL_IDS), 6))
    assert len(chosen) == 17
    some = [chosen[i * 17 // 4] for i in range(4)]
    total, count = naive_loss(model, VAL_IDS, some)
    expected = total / count * (len(VAL_IDS) - 1) / (50 - 1)
    assert validation_loss(model, VAL_IDS, 50, at_most=4) == pytest.approx(expected, rel=1e-6)
    whole = validation_loss(model, VAL_IDS, 100)
    assert validation_loss(model, VAL_IDS, 100, at_most=17) == whole
    assert validation_loss(model, VAL_IDS, 100, at_most=1000) == whole
    assert validation_loss(model, VAL_IDS, 100, at_most=4) != whole


def test_the_windows_of_a_text_of_any_length_take_no_memory():
    """Of billions of ids none could be listed here."""
    torch.manual_seed(3)
    model, n = GPT(model_config()), 2**40 + 1
    ids = np.broadcast_to(np.uint16(1), (n,))
    assert math.isfinite(validation_loss(model, ids, n, at_most=4))
    assert next(validation(model, ids, n)).total == -(-(n - 1) // 6)


def news(events):
    """The events that happen once, however often a validation is begun."""
    return [event for event in events if not isinstance(event, Validating)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_training_stopped_anywhere_ends_as_if_it_never_had(tmp_path, shape):
    whole = make_trainer(tmp_path / "whole", shape)
    everything = list(whole.run())
    events = news(everything)
    expected = outcome(whole)
    assert len(events) == 11
    for stop_after in range(len(everything) + 1):
        directory = tmp_path / f"stopped-{stop_after}"
        seen = []
        trainer = make_trainer(directory, shape)
        seen += itertools.islice(trainer.run(), stop_after)
        trainer.save()
        resumed = make_trainer(directory, shape)
        seen += list(resumed.run())
        assert outcome(resumed) == expected, stop_after
        assert news(seen) == events, stop_after


def test_a_training_stopped_after_every_event_ends_as_if_it_never_had(tmp_path):
    whole = make_trainer(tmp_path / "whole", "dropout")
    events = news(whole.run())
    seen = []
    for _ in events:
        trainer = make_trainer(tmp_path / "stopped", "dropout")
        seen.append(next(event for event in trainer.run() if not isinstance(event, Validating)))
        trainer.save()
    assert seen == events
    assert outcome(make_trainer(tmp_path / "stopped", "dropout")) == outcome(whole)


IMPATIENT = {"patience": 2, "max_steps": 500, "eval_every": 3, "learning_rate": 0.1}


def test_a_training_stops_after_so_many_validations_without_a_better_one(tmp_path):
    trainer = make_trainer(tmp_path, **IMPATIENT)
    validations = [event for event in trainer.run() if isinstance(event, Evaluated)]
    assert [event.best for event in validations[-3:]] == [True, False, False]
    assert all(any(event.best for event in validations[i : i + 2]) for i in range(len(validations) - 2))
    assert trainer.is_over
    assert trainer.in_vain == 2
    assert trainer.progress.step == trainer.progress.best_step + 6 < 500
    patient = make_trainer(tmp_path / "patient", **{**IMPATIENT, "patience": 0, "max_steps": trainer.progress.step + 1})
    assert list(patient.run())[-1].step == trainer.progress.step + 1


def test_a_training_stopped_anywhere_loses_its_patience_at_the_same_step(tmp_path):
    whole = make_trainer(tmp_path / "whole", **IMPATIENT)
    everything = list(whole.run())
    for stop_after in range(1, len(everything) + 1):
        trainer = make_trainer(tmp_path / str(stop_after), **IMPATIENT)
        seen = list(itertools.islice(trainer.run(), stop_after))
        trainer.save()
        resumed = make_trainer(tmp_path / str(stop_after), **IMPATIENT)
        assert news([*seen, *resumed.run()]) == news(everything), stop_after
        assert outcome(resumed) == outcome(whole), stop_after


def test_a_training_killed_anywhere_repeats_from_its_last_checkpoint(tmp_path):
    whole = make_trainer(tmp_path / "whole")
    events = list(whole.run())
    for killed_after in range(1, len(events) + 1):
        directory = tmp_path / f"killed-{killed_after}"
        list(itertools.islice(make_trainer(directory).run(), killed_after))
        resumed = make_trainer(directory)
        assert resumed.progress.step % 2 == 0
        list(resumed.run())
        assert outcome(resumed) == outcome(whole), killed_after


def finish(steps):
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_the_best_weights_are_kept_and_measured(tmp_path):
    trainer = make_trainer(tmp_path, max_steps=40, learning_rate=0.3, schedule="constant")
    evaluated, weights = [], {}
    for event in trainer.run():
        if isinstance(event, Evaluated):
            evaluated.append(event)
            weights[event.step] = as_bytes(trainer.current_weights())
    best = min(evaluated, key=lambda event: event.val_loss)
    assert best.step < 40, "this test wants a training that gets worse"
    assert trainer.progress.best_step == best.step
    assert as_bytes(trainer.best_weights()) == weights[best.step]
    assert finish(trainer.best_loss()) == best.val_loss
    assert validation_loss(trainer.model, VAL_IDS, len(VAL_IDS)) == best.val_loss


def test_the_recorded_loss_is_of_the_whole_validation_part_however_little_was_looked_at_on_the_way(tmp_path):
    trainer = make_trainer(tmp_path, eval_windows=3)
    evaluated = [event for event in trainer.run() if isinstance(event, Evaluated)]
    recorded = finish(trainer.best_loss())
    assert recorded not in [event.val_loss for event in evaluated]
    assert recorded == validation_loss(trainer.model, VAL_IDS, len(VAL_IDS))


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_stored_in_half_the_bytes_have_the_loss_of_those_bytes(tmp_path, shape):
    trainer = make_trainer(tmp_path, shape, stored_dtype="float16")
    list(trainer.run())
    stored = trainer.best_weights()
    assert {array.dtype for array in stored.values()} == {np.dtype(np.float16)}
    recorded = finish(trainer.best_loss())
    assert recorded != trainer.progress.best_val_loss
    model = GPT(model_config(shape))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in stored.items()}, strict=False)
    assert validation_loss(model, VAL_IDS, len(VAL_IDS)) == recorded


def test_weights_that_half_the_bytes_cannot_hold_are_stored_whole(tmp_path):
    trainer = make_trainer(tmp_path, stored_dtype="float16")
    list(trainer.run())
    trainer.best["wte.weight"][0, 0] = 1e5
    assert {array.dtype for array in trainer.best_weights().values()} == {np.dtype(np.float32)}
    assert trainer.best_weights()["wte.weight"][0, 0] == 1e5


def saved(directory: Path, step: int, fill: float) -> Path:
    """A checkpoint of that step in which every weight is `fill`."""
    config = model_config()
    model = GPT(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(fill)
    optimizers = make_optimizers(model, train_config(), "float32")
    return save_checkpoint(
        directory, model, optimizers, dict(model.state_dict()), Progress(step=step, evaluated_step=step)
    )


def loaded(directory: Path) -> tuple[int, float] | None:
    """Step and fill of the checkpoint that is taken."""
    model = GPT(model_config())
    found = load_checkpoint(directory, model, make_optimizers(model, train_config(), "float32"))
    return (found[1].step, model.wte.weight[0, 0].item()) if found else None


def test_of_checkpoints_the_highest_step_wins_whatever_the_clock_says(tmp_path):
    assert loaded(tmp_path / "none") is None
    early, late = saved(tmp_path, 9, 1.0), saved(tmp_path, 10, 2.0)
    os.utime(early, (2e9, 2e9))
    os.utime(late, (1e9, 1e9))
    assert loaded(tmp_path) == (10, 2.0)


def test_of_checkpoints_of_one_step_the_one_saved_last_wins(tmp_path):
    # a stop between the update and its validation, and one right after, leave two of the same step
    for fill in range(1, 9):
        saved(tmp_path, 10, float(fill))
        assert loaded(tmp_path) == (10, float(fill))


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    for step in range(1, 6):
        saved(tmp_path, step, float(step))
    assert [path.name[:14] for path in sorted(tmp_path.iterdir())] == ["step-000000004", "step-000000005"]
    assert KEEP == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "removed header", "a directory"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, damage):
    saved(tmp_path, 1, 1.0)
    path = saved(tmp_path, 2, 2.0)
    assert loaded(tmp_path) == (2, 2.0)
    data = path.read_bytes()
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    path.unlink()
    if damage == "a directory":
        path.mkdir()
    else:
        path.write_bytes(
            {"truncated": data[:-1], "flipped": flipped, "emptied": b"", "removed header": data[8:]}[damage]
        )
    assert loaded(tmp_path) == (1, 1.0)


def test_a_new_checkpoint_outlives_damaged_ones_of_later_steps(tmp_path):
    for step in (20, 30):
        path = saved(tmp_path, step, 1.0)
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadData, match=r"no checkpoint in .* is whole"):
        loaded(tmp_path)
    saved(tmp_path, 5, 5.0)
    assert loaded(tmp_path) == (5, 5.0)


@pytest.mark.parametrize(
    "change",
    [
        {"step": "3"}, {"step": 2**70}, {"step": -1}, {"step": 7}, {"evaluated_step": 4}, {"loss_count": 1},
        {"best_step": None}, {"seconds": math.nan}, {"loss_sum": "1"}, {"best_val_loss": True}, {"other": 1},
    ],
)  # fmt: skip
def test_a_checkpoint_whose_numbers_cannot_be_is_passed_over(tmp_path, change):
    saved(tmp_path, 3, 1.0)
    (path,) = tmp_path.iterdir()
    arrays, metadata = read(path, limit=2**20)
    path.unlink()
    data = to_bytes(arrays, json.dumps({**json.loads(metadata), **change}))
    (tmp_path / f"step-000000003.{hashlib.sha256(data).hexdigest()[:16]}.safetensors").write_bytes(data)
    with pytest.raises(BadData, match="no checkpoint"):
        loaded(tmp_path)


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_whose_alphabet_outweighs_all_else_takes_its_own_checkpoints(tmp_path, tied):
    config = ModelConfig(n_layer=1, n_head=2, n_embd=64, block_size=8, tied=tied).resolve(20_000)
    model = GPT(config)
    optimizers = make_optimizers(model, train_config(), "float32")
    ids = torch.zeros(1, 8, dtype=torch.long)
    model.loss(ids, ids).backward()
    optimizers[0].step(1.0)
    save_checkpoint(tmp_path, model, optimizers, dict(model.state_dict()), Progress(step=1, evaluated_step=1))
    loaded = load_checkpoint(tmp_path, model, optimizers)
    assert loaded is not None
    assert loaded[1].step == 1


def test_a_checkpoint_that_cannot_be_read_is_passed_over(tmp_path, monkeypatch):
    saved(tmp_path, 1, 1.0)
    newest = saved(tmp_path, 2, 2.0)
    opened = files.opened

    def broken(path):
        if path == newest:
            raise StorageProblem("cannot read it: input/output error")
        return opened(path)

    monkeypatch.setattr(files, "opened", broken)
    assert loaded(tmp_path) == (1, 1.0)


def test_a_directory_or_a_link_with_the_name_of_a_checkpoint_is_none(tmp_path):
    saved(tmp_path, 1, 1.0)
    (tmp_path / f"step-000000008.{'0' * 16}.safetensors").mkdir()
    (tmp_path / f"step-000000009.{'0' * 16}.safetensors").symlink_to("nowhere")
    assert loaded(tmp_path) == (1, 1.0)
    saved(tmp_path, 2, 2.0)
    assert loaded(tmp_path) == (2, 2.0)


def test_temporary_files_and_strangers_are_no_checkpoints(tmp_path):
    saved(tmp_path, 1, 1.0)
    (tmp_path / ".tmp-1234").write_bytes(b"half")
    (tmp_path / "step-000000009.safetensors").write_bytes(b"stranger")
    assert loaded(tmp_path) == (1, 1.0)


def test_a_loss_that_is_not_finite_is_raised_before_the_update(tmp_path):
    trainer = make_trainer(tmp_path)
    steps = trainer.run()
    next(steps)
    before = as_bytes(trainer.current_weights())
    with torch.no_grad():
        trainer.model.head.weight[0, 0] = math.inf
    poisoned = as_bytes(trainer.current_weights())
    with pytest.raises(Diverged, match="step 2"):
        next(steps)
    assert as_bytes(trainer.current_weights()) == poisoned != before
    assert trainer.progress.step == 1


def test_a_gradient_that_is_not_finite_is_raised_before_the_update_though_the_loss_is_finite(tmp_path):
    trainer = make_trainer(tmp_path)
    steps = trainer.run()
    next(steps)
    before = as_bytes(trainer.current_weights())
    trainer.model.head.weight.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(Diverged, match="step 2"):
        next(steps)
    assert as_bytes(trainer.current_weights()) == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eval_every", [1, 1000])
def test_a_training_that_diverges_keeps_finite_weights(tmp_path, shape, eval_every):
    trainer = make_trainer(tmp_path, shape, learning_rate=1e9, warmup_steps=0, max_steps=500, eval_every=eval_every)
    with pytest.raises(Diverged):
        list(trainer.run())
    assert 1 <= trainer.progress.step < 500
    assert all(np.isfinite(array).all() for array in trainer.best_weights().values())


def test_threads_spin_for_a_moment_and_then_sleep_unless_told_otherwise():
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    program = f"import os; import zoo.gpt; print(*(os.environ.get(name) for name in {names}))"
    for given, expected in ((None, "passive 1000"), ("active", "active None")):
        environment = {key: value for key, value in os.environ.items() if key not in names}
        environment.update({"OMP_WAIT_POLICY": given} if given else {})
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected


COMPILED = """
import itertools, pathlib, sys
from test_trainer import make_trainer, outcome
from zoo.events import Validating

def trainer(name, compile=True):
    return make_trainer(pathlib.Path(sys.argv[1], name), "muon_bfloat16", compile=compile)

whole, stopped, other = trainer("whole"), trainer("stopped"), trainer("other", compile=False)
events = [event for event in whole.run() if not isinstance(event, Validating)]
list(itertools.islice(stopped.run(), 5))
stopped.save()
resumed = trainer("stopped")
list(resumed.run())
assert outcome(resumed) == outcome(whole)
expected = [event for event in other.run() if not isinstance(event, Validating)]
losses, others = ([event.train_loss for event in found] for found in (events, expected))
assert losses != others, "nothing was compiled"
assert max(abs(a - b) for a, b in zip(losses, others, strict=True)) < 0.02
"""


@pytest.mark.timeout(900)  # g++ compiles sixteen files, 40 s of one idle processor, and other tests run beside it
@pytest.mark.skipif(not shutil.which(os.environ.get("CXX", "g++")), reason="there is no C++ compiler")
def test_a_compiled_training_is_the_same_but_for_rounding_and_resumes_to_the_byte(tmp_path):
    words = [sys.executable, "-c", COMPILED, str(tmp_path)]
    done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_to_compile_without_a_compiler_one_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageProblem, match="there is no 'no-such-compiler' here"):
        make_trainer(tmp_path, compile=True)
