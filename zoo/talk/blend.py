"""A blend: several models that write one text, each character drawn from the mixture of what they expect."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.corpora.vocab import Characters, Vocab
from zoo.engine.engine import Engine
from zoo.engine.sampling import check_finite
from zoo.errors import UsageProblem

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Part:
    """What one member has seen of a text, and what it expects next: probabilities (V,) over the union of alphabets."""

    state: Any
    expected: "np.ndarray | None" = None


@dataclass
class BlendState:
    """A text in progress: its ids, and one part for each member."""

    parts: list[Part]
    ids: list[int] = field(default_factory=list)


class Blend:
    """Engines as one: logits (n, V) are logarithms of the mixture of their distributions, by weights that sum to 1,
    over the union of their alphabets, which is `vocab`.

    What a member does not know it is given as the nearest that it knows, or not at all. Raises UsageProblem unless all
    have vocabularies of characters, or all the same one.
    """

    def __init__(self, members: Sequence[tuple[Engine, Vocab]], weights: Sequence[float]) -> None:
        import numpy as np

        self.members, self.weights = list(members), np.array(weights, dtype=np.float64)
        self.vocab = _union([vocab for _, vocab in members])
        self._places = [_places(vocab, self.vocab) for _, vocab in members]
        self._own_ids: dict[tuple[int, int], list[int]] = {}

    def state(self) -> BlendState:
        return BlendState([Part(engine.state()) for engine, _ in self.members])

    def feed(self, states: list[BlendState], ids: list[list[int]]) -> "np.ndarray":
        """Give each state its next ids; returns logits (n, V), -inf for what no member can write."""
        import numpy as np

        for number in range(len(self.members)):
            self._feed_member(number, [state.parts[number] for state in states], ids)
        for state, some in zip(states, ids, strict=True):
            state.ids += some
        with np.errstate(divide="ignore"):
            return np.log([self.weights @ [part.expected for part in state.parts] for state in states])

    def shares(self, state: BlendState, id: int) -> tuple[float, ...]:
        """How much of the probability of an id came from each member; they sum to 1."""
        expected = [0.0 if part.expected is None else float(part.expected[id]) for part in state.parts]
        given = [float(weight) * p for weight, p in zip(self.weights, expected, strict=True)]
        return tuple(share / sum(given) for share in given)

    def _feed_member(self, number: int, parts: list[Part], ids: list[list[int]]) -> None:
        """Give a member its own ids for these; where that is none it expects what it did, or what follows nothing.

        Raises BadData when its logits are not finite.
        """
        import numpy as np

        engine, vocab = self.members[number]
        own = [[i for id in some for i in self._translate(number, id)] for some in ids]
        fed = [
            some or ([vocab.first_id()] if part.expected is None else []) for part, some in zip(parts, own, strict=True)
        ]
        going_on = [(part, some) for part, some in zip(parts, fed, strict=True) if some]
        if not going_on:
            return
        logits = engine.feed([part.state for part, _ in going_on], [some for _, some in going_on])
        for (part, _), row in zip(going_on, logits, strict=True):
            check_finite(row, f"member {number + 1}'s")
            e = np.exp(row.astype(np.float64) - row.max())
            part.expected = np.zeros(len(self.vocab))
            part.expected[self._places[number]] = e / e.sum()

    def _translate(self, number: int, id: int) -> list[int]:
        """The ids of a member for one of the union's."""
        key = number, id
        if key not in self._own_ids:
            vocab = self.members[number][1]
            same = vocab.sha256 == self.vocab.sha256
            self._own_ids[key] = (
                [id] if same else vocab.encode(vocab.adapt(self.vocab.decode([id]), "replace")).tolist()
            )
        return self._own_ids[key]


def _union(vocabs: list[Vocab]) -> Vocab:
    if len({vocab.sha256 for vocab in vocabs}) == 1:
        return vocabs[0]
    alphabets = [vocab.alphabet for vocab in vocabs if isinstance(vocab, Characters)]
    if len(alphabets) < len(vocabs):
        kinds = " and ".join(sorted({vocab.kind for vocab in vocabs}))
        raise UsageProblem(f"models of {kinds} do not blend: what one draws is no character of the other's")
    return Characters(character for alphabet in alphabets for character in alphabet)


def _places(vocab: Vocab, union: Vocab) -> "np.ndarray":
    """Where the ids of a member stand in the union."""
    import numpy as np

    return union.encode(vocab.alphabet) if isinstance(vocab, Characters) else np.arange(len(vocab))
