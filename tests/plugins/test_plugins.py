"""A stranger's plugins: each hook works for them, and what they break costs a warning and their own offers."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from faults.processes import end_of, spawn, wait_until
from strangers import OFFER, OPEN
from tiny import tiny_settings

from zoo.corpora.corpus import open_corpus
from zoo.corpora.vocab import load_vocab


def warnings_of(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("zoo: warning: ")]


def plugins_of(zoo) -> dict[str, dict]:
    """What `zoo plugins --json` says, by name."""
    outcome = zoo("plugins", "--json")
    assert outcome.code == 0, outcome.err
    return {plugin["name"]: plugin for plugin in json.loads(outcome.out)["plugins"]}


def test_hook_zoo_datasets(zoo, install):
    install(OFFER + OPEN)
    outcome = zoo("datasets")
    assert (outcome.code, outcome.err) == (0, "")
    assert "of a stranger" in outcome.out
    plugin = plugins_of(zoo)["stranger"]
    assert plugin["source"] == "zoo-stranger"
    assert plugin["version"] == "1.0"
    assert plugin["datasets"] == ["odes"]
    assert sorted(plugin["hooks"]) == ["zoo_datasets", "zoo_open"]
    assert not plugin["bundled"]
    assert not plugin["error"]


def test_hook_zoo_open(zoo, home, install):
    install(OFFER + OPEN)
    assert zoo("fetch", "odes").code == 0
    corpus = open_corpus(home, "odes")
    assert corpus.text() == "First ode.\n\nSecond ode.\n"
    assert (corpus.documents, corpus.source, corpus.private) == (2, "odes:all", True)


def test_hook_zoo_open_with_options_and_a_cache_of_its_own(zoo, home, install):
    install("""
@hookimpl
def zoo_open(options, source):
    if source != "odes:some":
        return None
    (options.cache / "kept").write_text("kept")
    return iter([Document("one", f"{options.encoding} {options.glob}\\n", {"odes left out": 7})])
""")
    outcome = zoo("fetch", "some", "--from", "odes:some", "--encoding", "utf-8", "--glob", "x*")
    assert outcome.code == 0, outcome.err
    assert "odes left out: 7" in outcome.err
    assert open_corpus(home, "some").text() == "utf-8 x*\n"
    assert (home.cache / "some" / "kept").read_text() == "kept"


def test_hook_zoo_vocab(zoo, home, install, tiny_corpus):
    install("""
@hookimpl
def zoo_vocab(name, corpus):
    return Characters({*corpus.alphabet, "é", "😀"}) if name == "wider" else None
""")
    outcome = zoo("train", "-d", tiny_corpus, "--vocab", "wider", *tiny_settings(max_steps=2))
    assert outcome.code == 0, outcome.err
    vocab = load_vocab(home.models / "tiny-nano" / "vocab.json")
    assert len(vocab) == len(open_corpus(home, tiny_corpus).alphabet) + 2
    assert zoo("--no-plugins", "generate", "tiny-nano", "the é").code == 0  # nobody needs the plugin any more


@pytest.mark.parametrize(
    "answer", ["'abc'", "object()", "Stranger()"], ids=["text", "an object", "a kind that only the plugin can load"]
)
def test_a_vocabulary_that_could_not_be_loaded_again_is_refused_before_training(
    zoo, home, install, tiny_corpus, answer
):
    install(f"""
class Stranger(Vocab):
    kind = "stranger"
    def __len__(self):
        return 300
    def encode(self, text):
        return Bytes().encode(text)
    def stream(self):
        return Bytes().stream()
    def to_dict(self):
        return {{"schema": 1, "kind": self.kind}}

@hookimpl
def zoo_vocab(name, corpus):
    return {answer} if name == "odd" else None
""")
    outcome = zoo("train", "-d", tiny_corpus, "--vocab", "odd", *tiny_settings(max_steps=2))
    assert outcome.code == 4, outcome
    assert "plugin 'stranger'" in outcome.err
    assert not home.models.exists()


def test_a_vocabulary_without_a_character_of_the_text_is_bad_data(zoo, home, install, tiny_corpus):
    install("@hookimpl\ndef zoo_vocab(name, corpus):\n    return Characters('abc') if name == 'abc' else None\n")
    outcome = zoo("train", "-d", tiny_corpus, "--vocab", "abc", *tiny_settings(max_steps=2))
    assert outcome.code == 4, outcome
    assert "the vocabulary lacks" in outcome.err
    assert not home.models.exists()


BROKEN = {
    "an import error": "import a_module_that_nobody_has\n",
    "a syntax error": "def broken(:\n",
    "an exit at import": "import sys\nsys.exit(3)\n",
    "an exit with success at import": "raise SystemExit\n",
    "an exception of many lines": "raise ValueError('one\\ntwo\\nthree')\n",
    "an exception with control characters": "raise ValueError('\\x1b[31m red \\u202e')\n",
    "a misspelt hook": "@hookimpl\ndef zoo_dataset():\n    return []\n",
    "a hook with wrong arguments": "@hookimpl\ndef zoo_open(source, encoding):\n    return None\n",
    "no hooks": "def zoo_datasets():\n    return []\n",
    "datasets that raise": "@hookimpl\ndef zoo_datasets():\n    raise RuntimeError('no')\n",
    "datasets that raise midway": OFFER.replace("return [", "yield from [") + "    raise RuntimeError('no')\n",
    "datasets that exit": "@hookimpl\ndef zoo_datasets():\n    raise SystemExit(0)\n",
    "a cancelled import": "import asyncio\nraise asyncio.CancelledError\n",
    "an exception without words": "class E(Exception):\n    def __str__(self):\n        return 1 / 0\nraise E\n",
    "an interrupt that nobody pressed": "raise KeyboardInterrupt\n",
    "an end that nobody asked for": "from zoo.errors import Terminated\nraise Terminated(15)\n",
    "an end of a generator": "raise GeneratorExit\n",
    "a stop of an iteration": "raise StopIteration\n",
    "a group with an interrupt in it": "raise BaseExceptionGroup('no', [ValueError(), KeyboardInterrupt()])\n",
    "a group with an exit in it": "raise BaseExceptionGroup('no', [BaseExceptionGroup('no', [SystemExit(0)])])\n",
    "no memory": "raise MemoryError\n",
    "a recursion": "def f():\n    f()\nf()\n",
    "words that exit": "class E(Exception):\n    def __str__(self):\n        raise SystemExit(0)\nraise E\n",
    "words that interrupt": "class E(Exception):\n    def __str__(self):\n        raise KeyboardInterrupt\nraise E\n",
    "words that are none": "class E(Exception):\n    def __str__(self):\n        return 3\nraise E\n",
    "an endless recursion of words": "class E(Exception):\n    def __str__(self):\n        return str(self)\nraise E\n",
    "many words": "raise ValueError('no ' * 10_000_000)\n",
    "a class with a long name": "raise type('\x1b\u202e' + 'E' * 1_000_000, (Exception,), {})('no')\n",
    "a class whose name exits": "class M(type):\n    @property\n    def __name__(self):\n        raise SystemExit(0)\n"
    "class E(Exception, metaclass=M):\n    pass\nraise E\n",
    "an error of ours whose words exit": "from zoo import BadData\nclass E(BadData):\n    def __str__(self):\n"
    "        raise SystemExit(0)\n@hookimpl\ndef zoo_datasets():\n    raise E\n",
    "datasets that interrupt": "@hookimpl\ndef zoo_datasets():\n    raise KeyboardInterrupt\n",
    "datasets that pose as some": "class D:\n    __class__ = Dataset\n@hookimpl\ndef zoo_datasets():\n"
    "    return [D()]\n",
    "datasets of a class that exits": "class D:\n    @property\n    def __class__(self):\n        raise SystemExit(0)\n"
    "@hookimpl\ndef zoo_datasets():\n    return [D()]\n",
    "a dataset whose name exits": "class D(Dataset):\n    def __getattribute__(self, name):\n"
    "        raise SystemExit(0)\n@hookimpl\ndef zoo_datasets():\n    return [D(name='odes')]\n",
    "a dataset whose source exits": "class S:\n    def __repr__(self):\n        raise SystemExit(0)\n"
    "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='odes', source=S())]\n",
    "closes stdout at import": "import sys\nsys.stdout.close()\n" + OFFER,
    "half a character": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='x', summary='\\udcff')]\n",
    "datasets that are none": "@hookimpl\ndef zoo_datasets():\n    return None\n",
    "datasets that are words": "@hookimpl\ndef zoo_datasets():\n    return ['odes']\n",
    "a dataset with a bad name": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='../odes')]\n",
    "a dataset whose name is a number": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name=3)]\n",
    "a dataset without a summary": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='x', summary=None)]\n",
    "a dataset whose source is a number": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='x', source=3)]\n",
    "a dataset with a bundled name": "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='hhgttg')]\n",
    "datasets without end": "import itertools\n@hookimpl\ndef zoo_datasets():\n"
    "    return (Dataset(name=f'x{n}') for n in itertools.count())\n",
    "the same dataset twice": OFFER.replace("return [", "return 2 * ["),
    "prints at import": "print('hello')\n" + OFFER,
    "prints to stderr at import": "import sys\nprint('hello', file=sys.stderr)\n" + OFFER,
    "goes away at import": "import os\nos.chdir('/')\n" + OFFER,
    "goes away in a hook": OFFER.replace("    return", "    import os\n    os.chdir('/')\n    return"),
}
HARMLESS = (
    "closes stdout at import",
    "the same dataset twice",
    "prints at import",
    "prints to stderr at import",
    "goes away at import",
    "goes away in a hook",
)


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_costs_one_warning_and_nothing_else(zoo, install, tiny_text, source):
    here = Path.cwd()
    install(source)
    outcome = zoo("plugins")
    assert outcome.code == 0, outcome.err
    assert len(warnings_of(outcome.err)) == 1, outcome.err
    assert "'stranger'" in outcome.err
    assert "hello" not in outcome.out
    assert "hello" not in outcome.err
    assert Path.cwd() == here
    assert not set("\x1b\u202e") & set(outcome.out + outcome.err)
    plugins = plugins_of(zoo)
    assert plugins["book"]["datasets"] == ["hhgttg"]
    assert zoo("datasets").code == 0
    listed = zoo("list")
    assert (listed.code, warnings_of(listed.err)) == (0, [])
    offered = json.loads(zoo("datasets", "--json").out)["datasets"]
    assert {"hhgttg", "plays", "pydoc", "shakespeare"} <= {entry["name"] for entry in offered}
    assert zoo("fetch", "mine", "--from", str(tiny_text)).code == 0


@pytest.mark.parametrize("kind", [kind for kind in BROKEN if kind not in HARMLESS])
def test_a_broken_plugin_offers_nothing(zoo, install, kind):
    install(BROKEN[kind])
    names = {entry["name"] for entry in json.loads(zoo("datasets", "--json").out)["datasets"]}
    assert names == {"hhgttg", "plays", "pydoc", "shakespeare"}


def test_a_misspelt_hook_is_named_with_a_suggestion(zoo, install):
    install(BROKEN["a misspelt hook"])
    assert "there is no hook 'zoo_dataset'; did you mean 'zoo_datasets'?" in plugins_of(zoo)["stranger"]["error"]


def test_a_module_that_is_not_there_costs_one_warning(zoo, install):
    install(None)
    outcome = zoo("plugins")
    assert outcome.code == 0
    assert len(warnings_of(outcome.err)) == 1
    assert "ModuleNotFoundError" in outcome.out


@pytest.mark.parametrize("entry_points", ["stranger = {module}:nothing", "stranger = not a module!", "stranger ="])
def test_an_entry_point_that_leads_nowhere_costs_one_warning(zoo, install, entry_points):
    install(OFFER, entry_points=entry_points)
    outcome = zoo("plugins")
    assert outcome.code == 0, outcome.err
    assert len(warnings_of(outcome.err)) == 1, outcome.err


def test_a_plugin_that_is_left_out_leaves_none_of_its_hooks_behind(zoo, install):
    install(OFFER + "@hookimpl\ndef zoo_vocab(name, corpus, nonsense):\n    return None\n")
    outcome = zoo("datasets")
    assert outcome.code == 0
    assert "odes" not in outcome.out
    assert "plugin 'stranger' is left out" in outcome.err


def test_of_two_datasets_with_one_name_the_bundled_one_wins(zoo, install):
    install(
        "@hookimpl\ndef zoo_datasets():\n    return [Dataset(name='hhgttg', summary='usurped', source='odes:all')]\n"
    )
    outcome = zoo("datasets", "hhgttg")
    assert outcome.code == 0
    assert "usurped" not in outcome.out
    assert "dataset 'hhgttg' of plugin 'stranger' is left out: the name is taken" in outcome.err


def test_a_plugin_with_the_name_of_a_bundled_one_takes_nothing_from_it(zoo, install):
    install(OFFER, name="book")
    outcome = zoo("plugins", "--json")
    assert outcome.code == 0
    assert len(warnings_of(outcome.err)) == 1
    books = [plugin for plugin in json.loads(outcome.out)["plugins"] if plugin["name"] == "book"]
    assert [(book["bundled"], book["datasets"]) for book in books] == [(True, ["hhgttg"]), (False, [])]


def test_one_module_under_two_names_is_loaded_once(zoo, install):
    install(OFFER, entry_points="first = {module}\nsecond = {module}")
    outcome = zoo("datasets")
    assert outcome.code == 0
    assert "odes" in outcome.out
    assert len(warnings_of(outcome.err)) == 1


OPENERS = {
    "raises at once": "def zoo_open(source, options):\n    raise RuntimeError('no\\nno')\n",
    "exits": "def zoo_open(source, options):\n    raise SystemExit(0)\n",
    "interrupts": "def zoo_open(source, options):\n    raise KeyboardInterrupt\n",
    "is a group": "def zoo_open(source, options):\n    raise BaseExceptionGroup('no', [KeyboardInterrupt()])\n",
}


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_an_opener_that_raises_is_named_and_the_next_is_asked(zoo, home, install, tiny_text, opener):
    install("@hookimpl\n" + opener)
    outcome = zoo("fetch", "mine", "--from", str(tiny_text))
    assert outcome.code == 0, outcome.err
    assert len(warnings_of(outcome.err)) == 1
    assert "plugin 'stranger'" in outcome.err
    assert open_corpus(home, "mine").text() == tiny_text.read_text()


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("raise MemoryError", 6, "plugin 'stranger' needs more memory than there is"),
        ("return zoo_open(source, options)", 4, "plugin 'stranger' failed: RecursionError"),
        ("yield Document('one', 'text')\n        raise MemoryError", 6, "needs more memory than there is"),
    ],
)
def test_an_opener_without_memory_or_stack_is_not_one_that_cannot_read(zoo, home, install, body, code, said):
    if body.startswith("yield"):
        body = f"def documents():\n        {body}\n    return documents()"
    install(f"@hookimpl\ndef zoo_open(source, options):\n    {body}\n")
    outcome = zoo("fetch", "mine", "--from", "odes:all")
    assert outcome.code == code, outcome.err
    assert outcome.err.count("zoo: error:") == 1
    assert said in outcome.err
    assert "no plugin can read" not in outcome.err
    assert not list(home.corpora.rglob("*"))


ANSWERS = {
    "raises midway": "yield Document('one', 'text')\n    raise RuntimeError('no')",
    "exits midway": "yield Document('one', 'text')\n    raise SystemExit(0)",
    "yields numbers": "yield 3",
    "interrupts midway": "yield Document('one', 'text')\n    raise KeyboardInterrupt",
    "ends midway": "yield Document('one', 'text')\n    raise GeneratorExit",
    "is without memory midway": "yield Document('one', 'text')\n    raise MemoryError",
    "yields blocks that interrupt": "import signal\n    def blocks():\n        yield 'text'\n"
    "        raise KeyboardInterrupt\n    yield Document('one', blocks())",
    "yields a class that exits": "class D:\n        @property\n        def __class__(self):\n"
    "            raise SystemExit(0)\n    yield D()",
    "yields a text that exits": "class D(Document):\n        def __getattribute__(self, name):\n"
    "            raise SystemExit(0)\n    yield D('one', 'text')",
    "yields blocks that have no class": "class B:\n        @property\n        def __class__(self):\n"
    "            raise SystemExit(0)\n    yield Document('one', [B()])",
    "yields None midway": "yield Document('one', 'text')\n    yield None\n    yield Document('two', 'lost')",
    "yields bytes": "yield Document('one', b'text')",
    "yields half a character": "yield Document('one', 'text \\ud800 text')",
    "yields notes that are none": "yield Document('one', 'text', 3)",
    "yields notes of words": "yield Document('one', 'text', {'changed': 'much'})",
    "yields notes under numbers": "yield Document('one', 'text', {3: 3})",
    "yields notes with half a character": "yield Document('one', 'text', {'\\udcff': 3})",
    "yields notes beyond counting": "yield Document('one', 'text', {'x': 10**5000})",
    "is cancelled": "import asyncio\n    yield Document('one', 'text')\n    raise asyncio.CancelledError",
    "yields a document without a name": "yield Document(None, 'text')",
    "yields a document without a text": "yield Document('one', None)",
    "yields an encoding that is none": "yield Document('one', 'text', {}, 8)",
    "yields blocks of bytes": "yield Document('one', ['text', b'text'])",
    "yields blocks that raise": "yield Document('one', (1 / (3 - n) and 'text' for n in range(9)))",
    "yields documents without end": "while True:\n        yield Document('one', 'text')",
    "yields empty documents without end": "while True:\n        yield Document('one', '')",
    "yields blocks without end": "import itertools\n    yield Document('one', itertools.repeat('text'))",
    "yields empty blocks without end": "import itertools\n    yield Document('one', itertools.repeat(''))",
    "yields long documents without end": "while True:\n        yield Document('one', 'text' * 10_000)",
}


@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS)
def test_documents_that_make_no_sense_are_the_plugins_failure_and_leave_nothing(zoo, home, install, body, monkeypatch):
    monkeypatch.setattr("zoo.containment.MOST_DOCUMENTS", 1_000)
    monkeypatch.setattr("zoo.containment.LONGEST_TEXT", 100_000)
    install(
        f"def documents():\n    {body}\n\n"
        "@hookimpl\ndef zoo_open(source, options):\n    return documents() if source == 'odes:all' else None\n"
    )
    outcome = zoo("fetch", "odes", "--from", "odes:all")
    assert outcome.code == (6 if "MemoryError" in body else 4), outcome
    assert "plugin 'stranger'" in outcome.err or "odes:all holds half a character" in outcome.err
    assert not list(home.corpora.rglob("*"))


def test_an_opener_that_answers_with_nonsense_is_the_plugins_failure(zoo, install):
    install("@hookimpl\ndef zoo_open(source, options):\n    return 3 if source == 'odes:all' else None\n")
    outcome = zoo("fetch", "odes", "--from", "odes:all")
    assert outcome.code == 4
    assert "plugin 'stranger'" in outcome.err


def test_an_opener_that_is_a_generator_itself_costs_a_warning(zoo, install, tiny_text):
    install("@hookimpl\ndef zoo_open(source, options):\n    yield Document('one', 'usurped')\n")
    outcome = zoo("fetch", "mine", "--from", str(tiny_text))
    assert outcome.code == 0, outcome.err
    assert len(warnings_of(outcome.err)) == 1


def test_what_a_plugin_prints_stays_out_of_our_output(zoo, install):
    install("""
print("at import")

def documents():
    print("while it reads")
    yield Document("one", "text\\n")

@hookimpl
def zoo_datasets():
    print("while it offers")
    return [Dataset(name="odes", source="odes:all")]

@hookimpl
def zoo_open(source, options):
    print("while it opens")
    return documents() if source == "odes:all" else None
""")
    assert json.loads(zoo("datasets", "--json").out)["schema"] == "zoo.datasets/1"
    assert json.loads(zoo("plugins", "--json").out)["schema"] == "zoo.plugins/1"
    outcome = zoo("fetch", "odes")
    assert (outcome.code, outcome.out) == (0, "")


def test_what_a_plugin_reports_is_heard_though_what_it_prints_is_not(zoo, home, install):
    install("""
import os
import sys
from zoo import Note, Skipped

def documents(options):
    print("printed", file=sys.stderr)
    options.on_event(Note("reported"))
    options.on_event(Skipped("two", "it rhymes"))
    os.chdir("/")
    yield Document("one", ["te", "xt\\n"], {"rhymes left out": 1})

@hookimpl
def zoo_open(source, options):
    return documents(options) if source == "odes:all" else None
""")
    here = Path.cwd()
    outcome = zoo("fetch", "odes", "--from", "odes:all")
    assert outcome.code == 0, outcome.err
    assert Path.cwd() == here
    assert "printed" not in outcome.err
    assert "zoo: reported\n" in outcome.err
    assert "zoo: warning: skipped two: it rhymes\n" in outcome.err
    corpus = open_corpus(home, "odes")
    assert corpus.text() == "text\n"
    assert corpus.changes == {"rhymes left out": 1, "documents skipped": 1}


def test_what_is_skipped_may_be_called_anything(zoo, home, install):
    install("""
from pathlib import Path
from zoo import Skipped

def documents(options):
    options.on_event(Skipped(Path("/x"), ValueError("why")))
    options.on_event(Skipped("y" * 99_999, "z" * 99_999))
    yield Document("n" * 99_999, "text\\n")

@hookimpl
def zoo_open(source, options):
    return documents(options) if source == "odes:all" else None
""")
    assert zoo("fetch", "odes", "--from", "odes:all").code == 0
    outcome = zoo("datasets", "odes", "--json")
    assert outcome.code == 0, outcome.err
    assert {"name": "/x", "skipped": "why"} in json.loads(outcome.out)["documents"]


def test_a_plugin_that_closes_stdout_does_not_write_into_the_text(install):
    site = install("import os\nos.close(1)\nos.close(2)\n" + OFFER + OPEN)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "zoo"]
    assert subprocess.run([*command, "fetch", "odes"], env=environment, check=False).returncode == 0
    assert subprocess.run([*command, "--no-plugins", "doctor"], env=environment, check=False).returncode == 0


def test_an_iterator_is_closed_in_time_and_its_last_words_are_not_heard(zoo, install):
    install("""
class Documents:
    def __iter__(self):
        print("begin")
        return self
    def __next__(self):
        raise RuntimeError("no")
    def close(self):
        print("end")

@hookimpl
def zoo_open(source, options):
    return Documents() if source == "odes:all" else None
""")
    outcome = zoo("fetch", "odes", "--from", "odes:all")
    assert outcome.code == 4
    assert outcome.out == ""
    assert "begin" not in outcome.err
    assert "end" not in outcome.err.replace("'odes:all'", "")


def test_a_closing_that_fails_or_exits_spoils_nothing(zoo, home, install):
    install("""
class Documents:
    def __iter__(self):
        self.left = [Document("one", "text\\n")]
        return self
    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop()
    def __getattr__(self, name):
        raise SystemExit(0)

@hookimpl
def zoo_open(source, options):
    return Documents() if source == "odes:all" else None
""")
    assert zoo("fetch", "odes", "--from", "odes:all").code == 0
    assert open_corpus(home, "odes").text() == "text\n"


def test_texts_of_a_kind_of_ones_own_are_taken_as_plain_ones(zoo, home, install):
    install("""
from collections import Counter

class Own(str):
    def __len__(self):
        raise SystemExit(0)
    __eq__ = __hash__ = __str__ = encode = __len__

@hookimpl
def zoo_datasets():
    return [Dataset(name="odes", summary=Own("of a stranger"), source="odes:all")]

@hookimpl
def zoo_open(source, options):
    documents = [Document(Own("one"), Own("an ode\\n"), Counter("x")), Document("two", [Own("another\\n")])]
    return iter(documents) if source == "odes:all" else None
""")
    outcome = zoo("fetch", "odes")
    assert outcome.code == 0, outcome.err
    corpus = open_corpus(home, "odes")
    assert corpus.text() == "an ode\n\nanother\n"
    assert corpus.changes == {"x": 1}


@pytest.mark.parametrize("answer", ["Posing()", "Exiting()"])
def test_a_vocabulary_that_poses_as_another_is_refused(zoo, home, install, tiny_corpus, answer):
    install(f"""
class Meta(type):
    def __eq__(self, other):
        raise SystemExit(0)
    __hash__ = type.__hash__

class Exiting(metaclass=Meta):
    pass

class Posing:
    __class__ = Characters

@hookimpl
def zoo_vocab(name, corpus):
    return {answer} if name == "odd" else None
""")
    outcome = zoo("train", "-d", tiny_corpus, "--vocab", "odd", *tiny_settings(max_steps=2))
    assert outcome.code == 4, outcome
    assert "plugin 'stranger'" in outcome.err


WAITS = """
import os, sys, time
def wait():
    os.write(2, b"waiting\\n")
    time.sleep(60)
"""
SLEEPERS = {
    "an import": WAITS + "wait()\n",
    "an import that lets nothing through": WAITS + "try:\n    wait()\nexcept BaseException:\n    pass\n",
    "an import that makes a group of it": WAITS
    + "try:\n    wait()\nexcept BaseException as error:\n    raise BaseExceptionGroup('no', [error])\n",
    "an import with words of its own": WAITS
    + "class E(Exception):\n    def __str__(self):\n        wait()\n        return ''\nraise E\n",
    "datasets": WAITS + "@hookimpl\ndef zoo_datasets():\n    wait()\n    return []\n",
    "an opener": WAITS + "@hookimpl\ndef zoo_open(source, options):\n    wait()\n",
    "documents": WAITS + "def documents():\n    wait()\n    yield Document('one', 'text')\n"
    "@hookimpl\ndef zoo_open(source, options):\n    return documents()\n",
    "blocks": WAITS + "def blocks():\n    yield 'text'\n    wait()\n"
    "@hookimpl\ndef zoo_open(source, options):\n    return iter([Document('one', blocks())])\n",
    "a vocabulary": WAITS + "@hookimpl\ndef zoo_vocab(name, corpus):\n    wait()\n",
}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", SLEEPERS)
def test_a_signal_ends_the_command_whatever_the_plugin_is_doing(install, zoo, tiny_text, kind, signum):
    if kind == "a vocabulary":
        assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
        command = ["train", "-d", "tiny", "--vocab", "odd", *tiny_settings(max_steps=2)]
    else:
        command = ["fetch", "mine", "--from", str(tiny_text)]
    site = install(SLEEPERS[kind])
    command = [sys.executable, "-m", "zoo", *command]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert "waiting\n" in iter(process.stderr.readline, "")
        process.send_signal(signum)
        err = process.stderr.read()
    assert process.returncode == (130 if signum == signal.SIGINT else -signum)
    assert "zoo: warning" not in err
    assert "Traceback" not in err


def test_ctrl_c_is_heard_though_a_plugin_took_it_for_itself(install, zoo):
    before = signal.getsignal(signal.SIGINT)
    install("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + OFFER)
    assert zoo("datasets").code == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_that_claims_success_is_none(zoo, install):
    install("""
from zoo import BadData

class Odd(BadData):
    exit_code = 0

@hookimpl
def zoo_open(source, options):
    if source == "odes:all":
        raise Odd("no odes")
""")
    assert zoo("fetch", "odes", "--from", "odes:all").code == 1


def test_lines_are_blocks_as_good_as_any(zoo, home, install, monkeypatch):
    monkeypatch.setattr("zoo.containment.MOST_DOCUMENTS", 10)
    install("""
@hookimpl
def zoo_open(source, options):
    return iter([Document("one", (f"line {n}\\n" for n in range(99)))]) if source == "odes:all" else None
""")
    assert zoo("fetch", "odes", "--from", "odes:all").code == 0
    assert open_corpus(home, "odes").text() == "".join(f"line {n}\n" for n in range(99))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_plugin_reads_is_no_failure_of_the_plugin(home, install, tmp_path, monkeypatch, number):
    begun = tmp_path / "begun"
    site = install(f"""
import pathlib, time

def documents():
    yield Document("one", "An ode.")
    pathlib.Path({str(begun)!r}).touch()
    time.sleep(60)

@hookimpl
def zoo_open(source, options):
    return documents() if source == "odes:all" else None
""")
    monkeypatch.setenv("PYTHONPATH", str(site))
    process = spawn(home, "fetch", "odes", "--from", "odes:all")
    assert wait_until(begun.exists, process)
    process.send_signal(number)
    ended = end_of(process)
    assert ended.code == 128 + number, ended
    assert "plugin" not in ended.err
    assert list(home.corpora.iterdir()) == []


def test_a_plugin_that_seeds_and_sets_defaults_changes_no_training(zoo, home, install, tiny_corpus):
    # auto would try out which number format is faster, and that depends on the load
    settings = tiny_settings(max_steps=3, dropout="0.1")
    assert zoo("train", "-d", tiny_corpus, "--name", "without", *settings).code == 0
    install("""
import random
import numpy
import torch

random.seed(1)
numpy.random.seed(1)
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.set_default_device("meta")

@hookimpl
def zoo_vocab(name, corpus):
    torch.manual_seed(2)
    return None
""")
    try:
        outcome = zoo("train", "-d", tiny_corpus, "--name", "with", *settings)
        assert outcome.code == 0, outcome.err
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        torch.set_default_device(None)
    with_it, without = (
        hashlib.sha256((home.models / name / "weights.safetensors").read_bytes()).hexdigest()
        for name in ("with", "without")
    )
    assert with_it == without


def test_a_plugin_may_raise_our_errors_for_its_own_source(zoo, install):
    install("""
from zoo import NotFound

@hookimpl
def zoo_open(source, options):
    if source.startswith("odes:"):
        raise NotFound("there is no such ode; the odes are all and some")
""")
    outcome = zoo("fetch", "odes", "--from", "odes:none")
    assert outcome.code == 3
    assert outcome.err.endswith("zoo: error: there is no such ode; the odes are all and some\n")


LEAVES_A_TRACE = "import pathlib\npathlib.Path({path!r}).touch()\n" + OFFER


@pytest.mark.parametrize(
    ("setting", "options", "loaded"),
    [
        (None, [], True),
        ("", [], False),
        ("stranger", [], True),
        ("other, stranger", [], True),
        ("other", [], False),
        (None, ["--no-plugins"], False),
        ("stranger", ["--no-plugins"], False),
    ],
)
def test_only_the_plugins_that_were_asked_for_are_imported(
    zoo, install, tmp_path, monkeypatch, setting, options, loaded
):
    trace = tmp_path / "imported"
    install(LEAVES_A_TRACE.format(path=str(trace)))
    if setting is not None:
        monkeypatch.setenv("ZOO_LOAD_PLUGINS", setting)
    outcome = zoo(*options, "plugins")
    assert outcome.code == 0
    assert trace.exists() == loaded
    assert ("odes" in outcome.out) == loaded
    assert "hhgttg" in outcome.out


@pytest.mark.parametrize("command", [["list"], ["compare"], ["presets"], ["--help"], ["--version"], ["show", "x"]])
def test_commands_that_need_no_plugin_import_none(zoo, install, tmp_path, command):
    trace = tmp_path / "imported"
    install(LEAVES_A_TRACE.format(path=str(trace)))
    assert zoo(*command).code in (0, 3)
    assert not trace.exists()


def test_a_plugin_is_found_from_a_process_of_its_own(install):
    site = install(OFFER + OPEN)
    env = {**os.environ, "PYTHONPATH": str(site)}
    outcome = subprocess.run(
        [sys.executable, "-m", "zoo", "datasets"], capture_output=True, text=True, env=env, check=True
    )
    assert "of a stranger" in outcome.stdout
    assert outcome.stderr == ""
