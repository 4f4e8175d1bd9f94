"""The registry: what was trained, how, and how well; registry.toml is the index of every model.toml."""
