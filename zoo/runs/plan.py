"""The plan: from what the reader asked for to a spec that leaves nothing open."""

import dataclasses
import platform
import shlex
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zoo import __version__
from zoo.config import DEFAULT_PRESET, DEFAULT_SEED, ModelConfig, get_preset
from zoo.corpora.corpus import PARTS, Corpus, corpus_names, open_corpus
from zoo.corpora.dataset import check_dataset_name
from zoo.corpora.fetch import Wish, fetch
from zoo.corpora.tokens import count_ids
from zoo.corpora.vocab import Vocab
from zoo.distributions import version_of
from zoo.errors import BadData, UsageProblem
from zoo.events import Note, OnEvent, ignore
from zoo.home import Home
from zoo.masking import masked
from zoo.names import LONGEST, check_name, free_name
from zoo.plugins import Plugins
from zoo.registry.record import CorpusPart, VocabPart
from zoo.registry.registry import Registry
from zoo.runs.init import Parent
from zoo.runs.memory import check_memory
from zoo.runs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Request:
    """A training as it is asked for; what is None is for the plan to decide."""

    dataset: str
    preset: str | None = None
    init: str | None = None
    name: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    vocab: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    seed: int = DEFAULT_SEED

    def command(self) -> str:
        """The command line that asks for this again; it holds no paths, and no secrets of an address."""
        words = ["zoo", "train", "--dataset", self.dataset, "--preset", self.preset or DEFAULT_PRESET]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value}"]
        for option in ("init", "vocab", "name"):
            if value := getattr(self, option):
                words += [f"--{option}", value]
        for option in ("device", "dtype"):
            if (value := getattr(self, option)) != "auto":
                words += [f"--{option}", value]
        if self.seed != DEFAULT_SEED:
            words += ["--seed", str(self.seed)]
        return masked(shlex.join(words))


def plan(home: Home, plugins: Plugins, request: Request, on_event: OnEvent = ignore) -> tuple[Spec, Vocab]:
    """Resolve every choice and check that it makes a model; the only thing this may write is a corpus it had to fetch.

    Raises NotFound, UsageProblem, Conflict (the name is taken), BadData (a text that is too short), or what fetching
    raises.
    """
    check_dataset_name(request.dataset)
    parent = None if request.init is None else Parent.of(Registry(home).resolve(request.init))
    preset = get_preset(request.preset or (parent.preset if parent else DEFAULT_PRESET))
    request = dataclasses.replace(request, preset=preset.name)
    preset = parent.shaped(preset, request.settings) if parent else preset.with_settings(request.settings)
    name = _choose_name(home, request)
    if not 0 <= request.seed < 2**63:
        raise UsageProblem(f"seed must lie between 0 and 2^63 - 1, and is {request.seed}")
    corpus = _find_corpus(home, plugins, request.dataset, on_event)
    vocab = _choose_vocab(plugins, corpus, request.vocab, parent)
    model = preset.model.resolve(len(vocab))
    corpus.check_text()
    from zoo.gpt import device as devices

    device = devices.choose_device(request.device)
    dtype = devices.choose_dtype(device, request.dtype)
    request = dataclasses.replace(request, dtype=dtype)
    threads = devices.take_over(
        model, preset.train, device=device, dtype=dtype, threads=devices.cpu_threads(), on_event=on_event
    )
    spec = Spec(
        **circumstances(device),
        name=name,
        dataset=corpus.name,
        preset=preset.name,
        seed=request.seed,
        device=device,
        dtype=dtype,
        threads=threads,
        private=corpus.private or (parent is not None and parent.model.record.private),
        command=request.command(),
        **(parent.in_spec(model, vocab) if parent else {}),
        corpora=(
            CorpusPart(
                name=corpus.name, sha256=corpus.sha256, val_sha256=corpus.val_sha256, characters=corpus.characters
            ),
        ),
        vocab=VocabPart(kind=vocab.kind, size=len(vocab), sha256=vocab.sha256),
        model=model,
        train=preset.train,
    )
    check_fits(spec, corpus, vocab)
    return spec, vocab


def circumstances(device: str) -> dict[str, Any]:
    """What of a spec nobody chooses: which run it is, when, and on what."""
    from zoo.gpt.device import device_name, instructions

    return {
        "id": str(uuid.uuid4()),
        "created": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "host": platform.node(),
        "device_name": device_name(device),
        "versions": {
            "zoo": __version__,
            "torch": version_of("torch"),
            "numpy": version_of("numpy"),
            "python": platform.python_version(),
            **({"cpu": instructions()} if device == "cpu" else {}),
        },
    }


def remark(spec: Spec, on_event: OnEvent) -> None:
    """Say of a run that began elsewhere or long ago what may make the last bits differ here.

    Raises UsageProblem when its device is not here, or computes wrongly.
    """
    from zoo.gpt.device import choose_device, take_over

    here = circumstances(choose_device(spec.device))
    threads = take_over(
        spec.model, spec.train, device=spec.device, dtype=spec.dtype, threads=spec.threads, on_event=on_event
    )
    now = {**here["versions"], "device": here["device_name"], "threads": threads}
    then = {**spec.versions, "device": spec.device_name, "threads": spec.threads}
    for key in ("torch", "numpy", "cpu", "device", "threads"):
        if key in then and then[key] != now.get(key):
            on_event(Note(f"{key} was {then[key]}, and is {now.get(key)} here: the last bits may differ"))


def unused_name(home: Home, wanted: str) -> str:
    """The wanted name, with a number where that is taken; one that nobody asked for never hides a starter's."""
    taken = set(Registry(home).models())
    if home.models.is_dir():
        taken |= {path.name for path in home.models.iterdir()}
    return check_name(free_name(wanted, taken), "model name")


def _choose_name(home: Home, request: Request) -> str:
    """The asked-for name, if it is free, else `<dataset>-<preset>`."""
    if request.name is None:
        return unused_name(home, f"{request.dataset}-{request.preset}"[:LONGEST])
    check_name(request.name, "model name")
    Registry(home).check_free(request.name)
    return request.name


def _choose_vocab(plugins: Plugins, corpus: Corpus, wanted: str | None, parent: Parent | None) -> Vocab:
    """The parent's, grown by what the corpus needs, or the wanted one, or the dataset's; BadData where it lacks any."""
    if parent:
        vocab = parent.vocab_for(corpus, wanted)
    else:
        vocab = plugins.vocab(corpus.vocab if wanted is None else wanted, corpus)
    if missing := vocab.unknown("".join(corpus.alphabet)):
        raise BadData(
            f"the vocabulary lacks {len(missing)} characters of corpus '{corpus.name}': {' '.join(missing[:20])}"
        )
    return vocab


def _find_corpus(home: Home, plugins: Plugins, name: str, on_event: OnEvent) -> Corpus:
    """The fetched corpus of that name, fetched now when it has a source."""
    fetched = corpus_names(home)
    if name in fetched:
        return open_corpus(home, name)
    return fetch(home, plugins.dataset(name, fetched), Wish(), opener=plugins.open, on_event=on_event)


def check_fits(spec: Spec, corpus: Corpus, vocab: Vocab) -> None:
    """Raise UsageProblem for a training that this machine cannot hold, BadData for a text that is too short for it."""
    if not spec.device.startswith("cuda"):  # whose memory is its own
        check_memory(spec.model, spec.train.batch_size, spec.dtype)
    _check_length(corpus, vocab, spec.model)


def _check_length(corpus: Corpus, vocab: Vocab, model: ModelConfig) -> None:
    """Each part must hold one window and the id after it."""
    needed = model.block_size + 1
    have = {part: corpus.characters_of(part) for part in PARTS}
    if min(have.values()) < needed * 4:  # worth counting exactly: a character may be up to four ids
        have = {part: count_ids(corpus, vocab, part) for part in PARTS}
    part = min(PARTS, key=lambda part: have[part])
    if have[part] < needed:
        raise BadData(
            f"corpus '{corpus.name}' is too short: its {part} part has {have[part]:,} ids, and block_size "
            f"{model.block_size} needs {needed:,}; add text, or --set block_size={max(1, have[part] - 1)}"
        )
