"""A session: one model that continues prompts."""

from collections.abc import Iterator

from zoo.corpora.vocab import Unknown, Vocab
from zoo.engine.cpu import CpuEngine
from zoo.engine.sampling import Sampler, Sampling
from zoo.talk import REPLY_LENGTH


class Session:
    """Continues prompts with one engine; successive prompts know nothing of each other, as in the seed."""

    def __init__(self, engine: CpuEngine, vocab: Vocab, sampling: Sampling, unknown: Unknown = "error") -> None:
        self.engine, self.vocab, self.unknown = engine, vocab, unknown
        self._sampler = Sampler(sampling)

    def reply(self, prompt: str, length: int = REPLY_LENGTH) -> Iterator[str]:
        """The text that follows a prompt, as it is drawn: `length` ids, each a character where tokens are characters.
        Of bytes, a character that the last id leaves unfinished is left out.

        Raises BadData for characters the model does not know, unless `unknown` says what to do with them.
        """
        adapted = self.vocab.adapt(prompt, self.unknown)
        ids = [int(id) for id in self.vocab.encode(adapted)] or [self._first_id()]
        state = self.engine.state()
        stream = self.vocab.stream()
        logits = self.engine.extend(state, ids)
        for remaining in range(length, 0, -1):
            id = self._sampler.choose(logits)
            yield stream.push(id)
            if remaining > 1:
                logits = self.engine.extend(state, [id])

    def _first_id(self) -> int:
        """What stands before an empty prompt: a newline, for most texts begin after one; else the first id."""
        return 0 if self.vocab.unknown("\n") else int(self.vocab.encode("\n")[0])
