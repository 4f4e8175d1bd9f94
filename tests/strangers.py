"""Plugins of strangers: an offer, and what opens it."""

OFFER = (
    "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='odes', summary='of a stranger', source='odes:all')]\n"
)
OPEN = """
@hookimpl
def zoo_open(source, options):
    return iter([Document("one", "First ode.\\n"), Document("two", "Second ode.\\n")]) if source == "odes:all" else None
"""
