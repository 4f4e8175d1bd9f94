"""From a reference to a voice."""

from pathlib import Path

from zoo.engine.load import engine_of
from zoo.home import find_home
from zoo.names import split_blend
from zoo.registry.registry import Registry
from zoo.talk.blend import Blend
from zoo.talk.voice import Voice


def load(reference: str | None = None, *, home: str | Path | None = None, device: str = "cpu") -> Voice:
    """The voice of a model: by its name, NAME@STEP, a dataset, or A+B:0.3 for a blend; None means Shakespeare.

        zoo.load("shakespeare-nano").generate("ROMEO:", max_new=200)

    `home` is found as the command finds it, unless it is given. Raises NotFound for a name that means nothing, BadData
    for a model that is damaged or has no weights yet, and UsageProblem for a blend that makes no sense.
    """
    return load_voice(Registry(find_home(None if home is None else str(home))), reference, device)


def load_voice(registry: Registry, reference: str | None, device: str = "cpu") -> Voice:
    """The same, of the models of one registry."""
    parts = [(reference, 1.0)] if reference is None else split_blend(reference)
    models = [registry.resolve(name) for name, _ in parts]
    members = [engine_of(model, device) for model in models]
    if len(members) == 1:
        return Voice(models[0].name, *members[0], models)
    weights = [weight for _, weight in parts]
    name = "+".join(f"{model.name}:{weight:.6g}" for model, weight in zip(models, weights, strict=True))
    blend = Blend(members, weights)
    return Voice(name, blend, blend.vocab, models)
