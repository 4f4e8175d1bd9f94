"""The contract kit: it passes the bundled plugins, and names what a stranger's breaks."""

import re

import pytest
from strangers import OFFER, OPEN

from zoo.plugins import Plugins
from zoo.testing import check_dataset

LICENSED = OFFER.replace("source=", "licence='CC0', source=")


@pytest.mark.parametrize("name", sorted(Plugins(third_party=False).datasets))
def test_the_bundled_datasets_keep_the_contract(name, tiny_text):
    check_dataset(name, None if name == "pydoc" else tiny_text)


def test_a_dataset_of_a_stranger_that_keeps_the_contract_passes(install):
    install(LICENSED + OPEN)
    check_dataset("odes")


def test_what_another_plugin_breaks_is_not_blamed_on_this_one(install):
    install(LICENSED + OPEN)
    greedy = (
        "@hookimpl\ndef zoo_open(source, options):\n    return iter(['x']) if source.startswith('zoo-t') else None\n"
    )
    install(greedy, name="greedy")
    check_dataset("odes")


def opener(body: str) -> str:
    """An offer, and an opener whose documents have this body."""
    return f"""{LICENSED}
TIMES = [0]

def documents(options):
    TIMES[0] += 1
    {body}

@hookimpl
def zoo_open(source, options):
    return documents(options) if source == 'odes:all' else None
"""


REFUSES = """
import zoo

@hookimpl
def zoo_open(source, options):
    if source != "odes:all":
        raise zoo.BadData("what?")
    return iter([Document("one", "text")])
"""
TWO = "two = [Document('a', 'one'), Document('b', 'one')]; yield from two[:: 1 - 2 * (TIMES[0] % 2)]"


BROKEN = {
    "nobody offers it": ("", "no plugin offers 'odes'"),
    "a plugin that fails": ("import nothing_of_that_name\n", "no plugin offers 'odes'; plugin 'stranger' is left out"),
    "no summary": (LICENSED.replace("of a stranger", "") + OPEN, "the summary is half a line"),
    "no licence": (OFFER + OPEN, "the licence says under which terms"),
    "no source, no instructions": (LICENSED.replace("source='odes:all'", "source=None"), "instructions say what"),
    "private and public": (LICENSED.replace("licence=", "private=True, public=True, licence=") + OPEN, "not both"),
    "a hash that is none": (LICENSED.replace("licence=", "sha256='abc', licence=") + OPEN, "sha256 is 64"),
    "heavy imports": ("import numpy\n" + LICENSED + OPEN, "reaches for numpy"),
    "a process to make an offer": (
        "import subprocess\n" + LICENSED.replace("    return", "    subprocess.run(['true'])\n    return") + OPEN,
        "reaches for subprocess.Popen",
    ),
    "seeds at import": ("import random\nrandom.seed(1)\n" + LICENSED + OPEN, "reaches for random numbers"),
    "sets the environment at import": ("import os\nos.environ['ODES'] = 'x'\n" + LICENSED + OPEN, "the environment"),
    "takes every source": (LICENSED + OPEN.replace(' if source == "odes:all" else None', ""), "must return None"),
    "refuses every other source": (
        LICENSED + REFUSES,
        "must return None for a source that it cannot read, and says",
    ),
    "other texts each time": (opener("yield Document('one', f'text {TIMES[0]}\\n')"), "the text is another each time"),
    "other order each time": (opener(TWO), "come in another order"),
    "two of one name": (opener("yield Document('a', 'one'); yield Document('a', 'two')"), "two documents have one"),
    "no names": (opener("yield Document('', 'one')"), "every document has a name"),
    "a NUL": (opener("yield Document('a', 'o\\0ne')"), "holds NUL"),
    "prints": (opener("print(1); yield Document('a', 'one')"), "plugin 'stranger' prints"),
    "goes away": (opener("import os; os.chdir('/'); yield Document('a', 'one')"), "goes to another directory"),
    "seeds": (opener("import random; random.seed(1); yield Document('a', 'one')"), "seeds Python's random numbers"),
    "sets the environment": (
        opener("import os; os.environ['ODES'] = str(TIMES[0]); yield Document('a', 'one')"),
        "changes the environment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_breaks_the_contract_is_named(install, kind, monkeypatch):
    monkeypatch.setenv("ODES", "")
    source, problem = BROKEN[kind]
    install(source)
    with pytest.raises(AssertionError, match=re.escape(problem)):
        check_dataset("odes")
