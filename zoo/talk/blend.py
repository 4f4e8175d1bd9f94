"""A blend: several models that write one text, each character drawn from the mixture of what they expect."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.corpora.vocab import Characters, Vocab
from zoo.errors import UsageProblem
from zoo.talk.voice import Voice

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Part:
    """What one member has seen of a text, and what it expects next: probabilities (V,) over the union of alphabets."""

    state: Any
    expected: "np.ndarray | None" = None


@dataclass
class BlendState:
    """A text in progress: one part for each member."""

    parts: list[Part] = field(default_factory=list)


class Blend(Voice):
    """A mixture of next-character distributions, by weights that sum to 1, over the union of the members' alphabets.

    What a member does not know it is given as the nearest that it knows, or not at all. Raises UsageProblem unless all
    have vocabularies of characters, or all the same one.
    """

    engine: "Mixture"

    def __init__(self, members: Sequence[Voice], weights: Sequence[float]) -> None:
        named = (f"{voice.name}:{weight:g}" for voice, weight in zip(members, weights, strict=True))
        vocab = _union([voice.vocab for voice in members])
        super().__init__(
            "+".join(named), Mixture(members, weights, vocab), vocab, [m for v in members for m in v.models]
        )
        self.members = tuple(members)

    def shares(self, state: BlendState, id: int) -> tuple[float, ...]:
        return self.engine.shares(state, id)


class Mixture:
    """The engines of a blend as one: logits are logarithms of the mixed probabilities."""

    def __init__(self, members: Sequence[Voice], weights: Sequence[float], vocab: Vocab) -> None:
        import numpy as np

        self.members, self.weights, self.vocab = members, np.array(weights, dtype=np.float64), vocab
        self._places = [_places(voice.vocab, vocab) for voice in members]

    def state(self) -> BlendState:
        return BlendState([Part(voice.engine.state()) for voice in self.members])

    def feed(self, states: list[BlendState], ids: list[list[int]]) -> "np.ndarray":
        """Logits (n, V) over the union, -inf for what no member can write."""
        import numpy as np

        for number, voice in enumerate(self.members):
            self._feed_member(number, voice, [state.parts[number] for state in states], ids)
        with np.errstate(divide="ignore"):
            return np.log([self.weights @ [part.expected for part in state.parts] for state in states])

    def _feed_member(self, number: int, voice: Voice, parts: list[Part], ids: list[list[int]]) -> None:
        """Give a member its own ids for these; where that is none it expects what it did, or what follows nothing."""
        import numpy as np

        own = [[i for id in some for i in self._translate(number, id)] for some in ids]
        nothing = voice.prompt_ids("", "skip")
        fed = [some or (nothing if part.expected is None else []) for part, some in zip(parts, own, strict=True)]
        going_on = [(part, some) for part, some in zip(parts, fed, strict=True) if some]
        if not going_on:
            return
        logits = voice.engine.feed([part.state for part, _ in going_on], [some for _, some in going_on])
        for (part, _), row in zip(going_on, logits, strict=True):
            e = np.exp(row.astype(np.float64) - row.max())
            part.expected = np.zeros(len(self.vocab))
            part.expected[self._places[number]] = e / e.sum()

    @cache  # noqa: B019  # as long as the mixture lives, which is as long as anybody talks to it
    def _translate(self, number: int, id: int) -> list[int]:
        vocab = self.members[number].vocab
        if vocab.sha256 == self.vocab.sha256:
            return [id]
        return [int(i) for i in vocab.encode(vocab.adapt(self.vocab.decode([id]), "replace"))]

    def shares(self, state: BlendState, id: int) -> tuple[float, ...]:
        """How much of the probability of an id came from each member; they sum to 1."""
        given = [float(w * part.expected[id]) for w, part in zip(self.weights, state.parts, strict=True)]  # type: ignore[index]
        return tuple(share / sum(given) for share in given)


def _union(vocabs: list[Vocab]) -> Vocab:
    if len({vocab.sha256 for vocab in vocabs}) == 1:
        return vocabs[0]
    if not all(isinstance(vocab, Characters) for vocab in vocabs):
        kinds = " and ".join(sorted({vocab.kind for vocab in vocabs}))
        raise UsageProblem(f"models of {kinds} do not blend: what one draws is no character of the other's")
    return Characters(character for vocab in vocabs for character in vocab.alphabet)  # type: ignore[attr-defined]


def _places(vocab: Vocab, union: Vocab) -> "np.ndarray":
    """Where the ids of a member stand in the union."""
    import numpy as np

    if vocab.sha256 == union.sha256:
        return np.arange(len(vocab))
    return union.encode(vocab.alphabet)  # type: ignore[attr-defined]
