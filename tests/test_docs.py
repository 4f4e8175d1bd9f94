"""The pages say what the code does: names, signatures, generated parts, and examples that run."""

import dataclasses
import re
import subprocess
import sys
import tomllib

import pluggy
import pytest
from conftest import CAMPAIGN, REPOSITORY

import zoo as package
from zoo import hooks
from zoo.cli import COMMANDS
from zoo.corpora.dataset import Dataset, Document, ReadOptions
from zoo.registry.record import STATUSES, CorpusPart, Record, VocabPart

DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + DOCS
COGGED = ["README.md", *(f"docs/{page.name}" for page in DOCS)]


def read(name):
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(name, language):
    """The code of a page's fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)


def python_block(name, module_docstring):
    return next(block for block in blocks(name, "python") if block.startswith(f'"""{module_docstring}'))


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a module as pip would: the file, and a dist-info with its entry point."""
    site = tmp_path / "site"
    site.mkdir()
    installed = []

    def put(module, source, entry_points):
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        info = site / f"{module}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0.1\n")
        lines = "".join(f"{name} = {value}\n" for name, value in entry_points.items())
        (info / "entry_points.txt").write_text(f"[zoo]\n{lines}")
        installed.append(module)
        monkeypatch.syspath_prepend(site)

    yield put
    for module in installed:
        sys.modules.pop(module, None)


def test_every_test_that_a_page_names_exists():
    named = set()
    for page in [*PAGES, REPOSITORY / "tests" / "faults" / "README.md"]:
        named |= set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8")))
    assert len(named) > 50
    lost = [f"{file}::{test}" for file, test in named if f"def {test}(" not in read(file)]
    assert not lost


def test_the_sizes_of_the_campaign_are_those_of_its_options():
    rows = re.findall(
        r"^\| `--([\w-]+)` (.+?) \| ([\d,]+) \| ([\d,]+) \|$", read("tests/faults/README.md"), re.MULTILINE
    )
    told = {name: (int(whole.replace(",", "")), what) for name, what, _, whole in rows}
    assert told == CAMPAIGN
    assert all(int(tenth.replace(",", "")) == CAMPAIGN[name][0] // 10 for name, _, tenth, _ in rows)


def test_every_hook_has_a_heading_that_is_its_signature():
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    names = [name for name in vars(hooks) if name.startswith("zoo_")]
    signatures = [f"{name}({', '.join(getattr(manager.hook, name).spec.argnames)})" for name in names]
    assert re.findall(r"^### (zoo_.*)$", read("docs/plugins.md"), re.MULTILINE) == signatures


@pytest.mark.parametrize("kind", [Dataset, Document, ReadOptions])
def test_every_field_that_a_plugin_meets_is_described(kind):
    described = re.findall(r"^\| `(\w+)` \|", read("docs/plugins.md"), re.MULTILINE)
    assert {f.name for f in dataclasses.fields(kind)} <= set(described)


def test_every_name_for_plugins_is_described():
    text = read("docs/plugins.md").partition("## What a plugin may import")[2].partition("## The hooks")[0]
    named = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\|[^|]*\|", text, re.MULTILINE))))
    assert named == set(package.__all__) - {"load"}  # which is for those who want a model to write


def test_the_python_of_the_page_on_talking_works(home):
    (code,) = blocks("docs/talking.md", "python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 200


def test_every_field_of_a_record_is_described():
    text = read("docs/registry.md")
    missing = [f.name for f in dataclasses.fields(Record) if f"`{f.name}`" not in text]
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", text, re.MULTILINE))
    missing += [
        f.name for f in dataclasses.fields(CorpusPart) if f.name != "extra" and f"`{f.name}`" not in rows["corpora"]
    ]
    missing += [
        f.name for f in dataclasses.fields(VocabPart) if f.name != "extra" and f"`{f.name}`" not in rows["vocab"]
    ]
    missing += [status for status in STATUSES if status not in rows]
    assert missing == []


def test_every_command_is_described():
    headings = re.findall(r"^### zoo (\w+)$", read("docs/cli.md"), re.MULTILINE)
    assert headings == COMMANDS


def test_every_module_is_in_the_tree_of_the_readme():
    tree = next(block for block in blocks("README.md", "text") if block.startswith("zoo/"))
    assert all(len(line.split(maxsplit=1)) == 2 for line in tree.splitlines()), "a module lacks its docstring"
    folders, drawn = [], set()
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        label = line.split()[0]
        folders[depth:] = [label]
        drawn.add("".join(folders))
    modules = [
        path
        for folder in ("zoo", "plugins")
        for kind in ("py", "c", "h")
        for path in (REPOSITORY / folder).rglob(f"*.{kind}")
    ]
    expected = {path.relative_to(REPOSITORY).as_posix().removesuffix("__init__.py") for path in modules}
    assert {entry for entry in drawn if not entry.endswith(".toml")} == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_parse_and_links_lead_somewhere(page):
    name = page.relative_to(REPOSITORY).as_posix()
    for block in blocks(name, "toml"):
        tomllib.loads(block)
    for block in blocks(name, "python"):
        compile(block, name, "exec")
    for target in re.findall(r"\]\(([^)#]+)\)", read(name)):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_plugin_of_the_tutorial_works(zoo, home, install):
    project = tomllib.loads(read("docs/zoo-stdlib/pyproject.toml"))
    (module,) = project["tool"]["setuptools"]["py-modules"]
    install(module, read(f"docs/zoo-stdlib/{module}.py"), project["project"]["entry-points"]["zoo"])
    outcome = zoo("fetch", "stdlib")
    assert (outcome.code, outcome.out) == (0, ""), outcome.err
    assert "warning" not in outcome.err
    text = (
        home.corpora / "stdlib" / (home.corpora / "stdlib" / "current").read_text().strip() / "text.txt"
    ).read_text()
    assert "import " in text
    assert "zoo_datasets, zoo_open" in next(
        line for line in zoo("plugins").out.splitlines() if line.startswith("stdlib")
    )
    assert zoo("--no-plugins", "fetch", "stdlib").code == 3


def test_the_vocabulary_of_the_docs_works(zoo, home, install, tiny_corpus):
    from zoo.corpora.corpus import open_corpus
    from zoo.plugins import Plugins

    install("zoo_ascii", python_block("docs/plugins.md", "The vocabulary `ascii`"), {"ascii": "zoo_ascii"})
    corpus = open_corpus(home, tiny_corpus)
    vocab = Plugins().vocab("ascii", corpus)
    assert vocab.unknown(corpus.text() + "~0Aa") == []
    assert vocab.kind == "characters"


def test_the_plugin_of_the_readme_works(zoo, install, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "one.txt").write_text("Buy milk.\n")
    (project,) = [tomllib.loads(block) for block in blocks("README.md", "toml")]
    install("zoo_notes", python_block("README.md", "My own notes"), project["project"]["entry-points"]["zoo"])
    outcome = zoo("fetch", "notes")
    assert outcome.code == 0, outcome.err
    assert "private" in outcome.err


def test_the_generated_parts_are_in_step():
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", "-I", "docs", *COGGED]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"run: make docs\n{done.stdout}{done.stderr}"
