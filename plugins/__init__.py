"""The bundled plugins, installed as `zoo_plugins`; each enters through an entry point, as a stranger's plugin does."""
