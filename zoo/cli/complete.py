"""What a shell completes beside commands and options: models, datasets, presets, keys of --set and of filters."""

from collections.abc import Callable, Iterable

import click

from zoo.cli.app import App

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def completer(candidates: Callable[[App], Iterable[str]]) -> Completer:
    """A callback for click; a shell that asks is never answered with an error."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            app = App(home=ctx.find_root().params.get("home"))
            return [name for name in candidates(app) if name.startswith(incomplete)]
        except Exception:
            return []

    return complete


def _datasets(app: App) -> Iterable[str]:
    from zoo.corpora.corpus import corpus_names

    return sorted({*corpus_names(app.home), *app.plugins.datasets})


def _corpora(app: App) -> Iterable[str]:
    from zoo.corpora.corpus import corpus_names

    return corpus_names(app.home)


def _presets(app: App) -> Iterable[str]:
    from zoo.config import presets

    return presets()


def _settings(app: App) -> Iterable[str]:
    import dataclasses

    from zoo.config import ModelConfig, TrainConfig

    return [f"{f.name}=" for group in (ModelConfig, TrainConfig) for f in dataclasses.fields(group)]


def _keys(app: App) -> Iterable[str]:
    from zoo.registry.keys import kinds_of

    return kinds_of(app.registry.models().values())


def _trashed(app: App) -> Iterable[str]:
    from zoo.registry.trash import models

    return sorted({word for name, directory, _ in models(app.home) for word in (name, directory.name)})


models = completer(lambda app: app.registry.models())
keys = completer(_keys)
filters = completer(lambda app: [*app.registry.models(), *(f"{key}=" for key in _keys(app))])
own_models = completer(lambda app: app.registry.own())
trashed = completer(_trashed)
datasets = completer(_datasets)
corpora = completer(_corpora)
presets = completer(_presets)
settings = completer(_settings)
