"""The bundled vocabularies: a token is a character, or a byte of UTF-8."""

from zoo import Bytes, Characters, Corpus, Vocab, hookimpl


@hookimpl
def zoo_vocab(name: str, corpus: Corpus) -> Vocab | None:
    match name:
        case "characters":
            return Characters(corpus.alphabet)
        case "bytes":
            return Bytes()
    return None
