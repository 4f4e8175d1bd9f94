"""Shapes and knobs: every hyperparameter, described and bounded where it is declared."""

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Self

from zoo.errors import NotFound, UsageProblem, did_you_mean

DEFAULT_PRESET = "nano"
DEFAULT_SEED = 1337
SHAPES = ("classic", "modern")
ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "swiglu")
SCHEDULES = ("constant", "cosine", "linear")
DTYPES = ("float32", "bfloat16")
STORED_DTYPES = ("float32", "float16")
OPTIMIZERS = ("adamw", "muon")
KEEPS = ("best", "log")
BIASES = ("qkv_bias", "proj_bias", "mlp_bias", "norm_bias", "head_bias")


MOST = 2**31  # of whatever is counted


def knob(default: Any, help: str, *, low: float = 0, high: float = MOST, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field with what a user must know about it."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


class Knobs:
    """What groups of hyperparameters and options can do; subclasses are frozen dataclasses of `knob` fields."""

    WORD = "hyperparameter"

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            check_value(f, getattr(self, f.name))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from a table of run.toml or registry.toml; unknown keys raise UsageProblem."""
        known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                raise UsageProblem(f"unknown {cls.WORD} '{key}'{did_you_mean(key, known)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    def with_value(self, key: str, text: str) -> Self:
        """The same with one value, read from a word; raises UsageProblem for a key or value that there is not."""
        known = {f.name: f for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        if key not in known:
            raise UsageProblem(f"there is no '{key}'{did_you_mean(key, known)}; there are {', '.join(known)}")
        return dataclasses.replace(self, **{key: parse_value(known[key], text)})  # type: ignore[type-var]


def check_value(f: Any, value: Any) -> None:
    """Raise UsageProblem unless the value has the field's type and lies within its bounds."""
    meta, name = f.metadata, f.name
    kind = f.type
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise UsageProblem(f"{name} must be {_kind_word(kind)}, not {value!r}")
    if meta["choices"] and value not in meta["choices"]:
        raise UsageProblem(f"{name} must be one of {', '.join(meta['choices'])}, not '{value}'")
    if kind in (int, float) and not meta["low"] <= value <= meta["high"]:  # which nan is not, either
        raise UsageProblem(f"{name} must lie between {meta['low']:g} and {meta['high']:g}, not {value}")


def _kind_word(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[kind]


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Knobs):
    """The shape of a transformer, in GPT-2's names. Sizes left at 0 are filled in by `resolve`."""

    shape: str = knob("modern", "classic (GPT-2) or modern (Qwen3)", choices=SHAPES)
    n_layer: int = knob(4, "blocks", low=1, high=256)
    n_head: int = knob(4, "attention heads per block", low=1, high=256)
    n_embd: int = knob(128, "width of the residual stream", low=1, high=65536)
    block_size: int = knob(128, "context: ids seen at once", low=1, high=2**20)
    vocab_size: int = knob(0, "distinct ids; 0: the vocabulary's", high=2**24)
    dropout: float = knob(0.0, "share of activations zeroed in training", high=0.95)
    activation: str = knob("swiglu", "non-linearity of the MLP", choices=ACTIVATIONS)
    tied: bool = knob(False, "embedding and head share one matrix")
    qkv_bias: bool = knob(False, "bias on queries, keys, values (classic)")
    proj_bias: bool = knob(False, "bias on attention's projection (classic)")
    mlp_bias: bool = knob(False, "bias on both MLP matrices (classic)")
    norm_bias: bool = knob(False, "bias on LayerNorm (classic)")
    head_bias: bool = knob(False, "bias on the head (classic; cannot be exported)")
    head_dim: int = knob(0, "width of a head; 0: n_embd / n_head", high=65536)
    hidden_size: int = knob(0, "width of the MLP; 0: 4 n_embd, or 8/3 n_embd for swiglu", high=2**20)
    rope_theta: float = knob(10000.0, "base of the rotary frequencies (modern)", low=1.0, high=1e9)
    norm_eps: float = knob(1e-5, "epsilon of the norms", low=1e-12, high=0.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        modern = self.shape == "modern"
        if modern != (self.activation == "swiglu"):
            raise UsageProblem(f"shape {self.shape} does not go with activation {self.activation}")
        biases = [b for b in BIASES if getattr(self, b)]
        if modern and biases:
            raise UsageProblem(f"shape modern has no biases, but {biases[0]} is true")
        if not self.head_dim and self.n_embd % self.n_head:
            raise UsageProblem(f"n_head must divide n_embd, and {self.n_head} does not divide {self.n_embd}")
        if not modern and self.head_dim and self.head_dim * self.n_head != self.n_embd:
            raise UsageProblem("shape classic needs head_dim x n_head = n_embd")
        if modern and (self.head_dim or self.n_embd // self.n_head) % 2:
            raise UsageProblem("shape modern needs an even head_dim, for rotary positions come in pairs")

    @classmethod
    def stored(cls, values: dict[str, Any]) -> Self:
        """Build the shape that a run.toml, a record or a weights file states, in which every size is written out.

        Raises UsageProblem for anything else.
        """
        config = cls.from_dict(values)
        for size in ("vocab_size", "head_dim", "hidden_size"):
            if not getattr(config, size):
                raise UsageProblem(f"{size} must be at least 1, not 0")
        return config

    def resolve(self, vocab_size: int) -> "ModelConfig":
        """The same shape with every size written out."""
        swiglu_size = 32 * math.ceil(8 * self.n_embd / 3 / 32)
        return dataclasses.replace(
            self,
            vocab_size=vocab_size,
            head_dim=self.head_dim or self.n_embd // self.n_head,
            hidden_size=self.hidden_size or (swiglu_size if self.activation == "swiglu" else 4 * self.n_embd),
        )

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight of a resolved config, in file order. A tied head is stored once."""
        c, attended = self, self.n_head * self.head_dim
        shapes: dict[str, tuple[int, ...]] = {"wte.weight": (c.vocab_size, c.n_embd)}
        if c.shape == "classic":
            shapes["wpe.weight"] = (c.block_size, c.n_embd)

        def norm(name: str, size: int) -> None:
            shapes[f"{name}.weight"] = (size,)
            if c.norm_bias:
                shapes[f"{name}.bias"] = (size,)

        def linear(name: str, fan_in: int, fan_out: int, bias: bool) -> None:
            shapes[f"{name}.weight"] = (fan_out, fan_in)
            if bias:
                shapes[f"{name}.bias"] = (fan_out,)

        for i in range(c.n_layer):
            block = f"blocks.{i}"
            norm(f"{block}.norm1", c.n_embd)
            linear(f"{block}.attention.qkv", c.n_embd, 3 * attended, c.qkv_bias)
            if c.shape == "modern":
                shapes[f"{block}.attention.q_norm.weight"] = (c.head_dim,)
                shapes[f"{block}.attention.k_norm.weight"] = (c.head_dim,)
            linear(f"{block}.attention.proj", attended, c.n_embd, c.proj_bias)
            norm(f"{block}.norm2", c.n_embd)
            if c.activation == "swiglu":
                linear(f"{block}.mlp.gate", c.n_embd, c.hidden_size, False)
            linear(f"{block}.mlp.up", c.n_embd, c.hidden_size, c.mlp_bias)
            linear(f"{block}.mlp.down", c.hidden_size, c.n_embd, c.mlp_bias)
        norm("norm", c.n_embd)
        if not c.tied:
            shapes["head.weight"] = (c.vocab_size, c.n_embd)
        if c.head_bias:
            shapes["head.bias"] = (c.vocab_size,)
        return shapes

    def parameters(self) -> int:
        """Number of weights of a resolved config."""
        return sum(math.prod(shape) for shape in self.weight_shapes().values())


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Knobs):
    """How a model is trained. One step is one update on batch_size windows of block_size ids."""

    max_steps: int = knob(2000, "updates", low=1)
    batch_size: int = knob(16, "windows per update", low=1, high=2**16)
    optimizer: str = knob("adamw", "adamw, or muon for the matrices of the blocks", choices=OPTIMIZERS)
    learning_rate: float = knob(1e-3, "peak step size of AdamW", low=1e-12, high=1e9)
    min_learning_rate: float = knob(0.0, "step size at max_steps (cosine, linear)", high=1e9)
    matrix_learning_rate: float = knob(
        0.02, "peak step size of Muon; rises and falls with AdamW's", low=1e-12, high=1e9
    )
    schedule: str = knob("cosine", "from the peak down to the minimum", choices=SCHEDULES)
    warmup_steps: int = knob(100, "updates of linear rise to the peak")
    weight_decay: float = knob(0.1, "decoupled decay of the matrices", high=100.0)
    beta1: float = knob(0.9, "AdamW's memory of gradients", high=0.999999)
    beta2: float = knob(0.99, "AdamW's memory of squared gradients", high=0.999999)
    momentum: float = knob(0.9, "Muon's memory of gradients", high=0.999999)
    grad_clip: float = knob(1.0, "largest gradient norm; 0: no clipping", high=1e9)
    eval_every: int = knob(250, "updates between validations, each followed by a checkpoint", low=1)
    eval_windows: int = knob(2048, "validate on at most so many windows while training", low=1)
    stored_dtype: str = knob("float32", "number format of the stored weights", choices=STORED_DTYPES)
    patience: int = knob(0, "stop after so many validations without a better one; 0: never")
    compile: bool = knob(False, "compile the blocks first, which takes a C++ compiler and a while")
    log_every: int = knob(10, "updates between lines of log.jsonl", low=1)
    keep: str = knob("best", "best weights only, or log: snapshots at 0, 1, 2, 4, 8, ..., too", choices=KEEPS)

    def is_exact(self, dtype: str, windows: int) -> bool:
        """Whether what a validation of a part of so many windows says on the way is the loss that a record may state:
        of all of them, in float32, of weights as they are stored."""
        return dtype == self.stored_dtype == "float32" and windows <= self.eval_windows


@dataclass(frozen=True)
class Preset:
    """A named pair of configs. `measured` holds what a command of bench/ saw, or nothing."""

    name: str
    summary: str
    model: ModelConfig
    train: TrainConfig
    measured: dict[str, Any] = field(default_factory=dict)

    def with_settings(self, settings: dict[str, str]) -> "Preset":
        """Apply `--set KEY=VALUE` pairs; raises UsageProblem for a key or value that makes no model."""
        groups = {
            f.name: (group, f)
            for group in ("model", "train")
            for f in dataclasses.fields(getattr(self, group))
            if f.name != "vocab_size"
        }
        changes: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
        for key, text in settings.items():
            if key not in groups:
                raise UsageProblem(
                    f"unknown hyperparameter '{key}'{did_you_mean(key, groups)} (all of them: zoo presets {self.name})"
                )
            group, f = groups[key]
            changes[group][key] = parse_value(f, text)
        return dataclasses.replace(
            self,
            model=dataclasses.replace(self.model, **changes["model"]),
            train=dataclasses.replace(self.train, **changes["train"]),
        )


def parse_value(f: Any, text: str) -> Any:
    """The value that `text` means for a field, by the field's type."""
    try:
        if f.type is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return f.type(text)
    except (ValueError, KeyError):
        raise UsageProblem(f"{f.name} must be {_kind_word(f.type)}, not '{text}'") from None


@cache
def presets() -> dict[str, Preset]:
    """Every shipped preset by name, in the order of presets.toml."""
    tables = tomllib.loads(resources.files("zoo").joinpath("presets.toml").read_text(encoding="utf-8"))
    return {
        name: Preset(
            name,
            table["summary"],
            ModelConfig.from_dict(table["model"]),
            TrainConfig.from_dict(table["train"]),
            table.get("measured", {}),
        )
        for name, table in tables.items()
    }


def get_preset(name: str) -> Preset:
    """The preset of that name; raises NotFound with a suggestion."""
    if name not in presets():
        raise NotFound(f"no preset named '{name}'{did_you_mean(name, presets())} (see: zoo presets)")
    return presets()[name]
