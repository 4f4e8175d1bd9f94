"""zoo surprise: the text under its bits, on a terminal, in a pipe, on a page and as JSON."""

import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pexpect
import pytest
from cli.screen import Screen
from tiny import tiny_settings

from zoo.cli.heat import (
    BITS,
    UNKNOWN,
    UNKNOWN_GLYPH,
    Canvas,
    drawn,
    gain_scale,
    legend,
    rows,
    show_heat,
    visible,
)
from zoo.cli.html import hexadecimal
from zoo.cli.surprise_page import MOST_TITLED, page
from zoo.cli.terminal import RESET, cells
from zoo.engine.load import engine_of
from zoo.measure.surprise import surprise
from zoo.registry.registry import Registry

TEXT = "The cat sat on a mat.\nTwo dogs, and a café by Zürich\n\nsaw rain"
HOSTILE = (
    "The \x1b[31mcat\x1b]0;gotcha\x07 \x9b2J\u202esat\u202c \x7f\x08\u200b <script>alert('&\"')</script>\n\tthe mat"
)
MIXED = "東京 cat 😀 e\u0301 sat\ton \x1b[1m a\xad \u3000mat\n" * 5
SGR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def write(tmp_path):
    """Write a file of a text, or of bytes, and give its path."""

    def put(text, name="text.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return put


@pytest.fixture
def bits(home, tiny_model):
    """The bits of the characters of a text under the tiny model."""

    def of(text):
        return surprise(*engine_of(Registry(home).get(tiny_model)), text).bits

    return of


@pytest.fixture
def see(home, tiny_model, tmp_path):
    """What is written to a terminal of so many columns by a command, whose stderr goes elsewhere."""

    def run(*args, columns=80, **environment):
        variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "COLORTERM")}
        variables |= {"ZOO_HOME": str(home.path), "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment}
        command = ["-c", 'exec "$@" 2>"$0"', str(tmp_path / "said"), sys.executable, "-m", "zoo", "surprise", *args]
        child = pexpect.spawn("bash", command, env=variables, dimensions=(24, columns), timeout=30)
        child.expect(pexpect.EOF)
        child.close()
        written = child.before.decode().replace("\r\n", "\n")
        assert child.exitstatus == 0, written
        return written

    return run


def body(written: str) -> list[str]:
    """The lines above the legend."""
    return SGR.sub("", written).split("\n\nbits")[0].splitlines()


def steps_of(values) -> list[int]:
    return [UNKNOWN if np.isnan(value) else sum(value >= edge for edge in BITS.edges) for value in values]


def test_a_pipe_gets_a_glyph_under_each_character(zoo, write, bits):
    outcome = zoo("surprise", "tiny-nano", write(TEXT))
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    lines = outcome.out.splitlines()
    assert lines[0] == "The cat sat on a mat.↵"
    text = "".join(line.replace("↵", "\n") for line in lines[:8:2])
    assert text == TEXT
    glyphs = [
        glyph for above, below in zip(lines[:8:2], lines[1:8:2], strict=True) for glyph in below.ljust(len(above))
    ]
    expected = [UNKNOWN_GLYPH if step == UNKNOWN else BITS.steps[step].glyph for step in steps_of(bits(TEXT))]
    assert glyphs == expected
    assert UNKNOWN_GLYPH in glyphs
    assert lines[-1] == "bits  ' ' 0-1  . 1-2  : 2-4  + 4-6  * 6-8  # 8+  ? unknown"


def test_the_last_line_says_mean_characters_and_coverage(zoo, write, bits):
    text = TEXT.replace("é", "e").replace("ü", "u").replace(",", "").replace("Z", "z")
    known = [character for character in text if not np.isnan(bits(character)[0])]
    (line,) = zoo("surprise", "tiny-nano", write("".join(known))).err.splitlines()
    mean = bits("".join(known)).mean()
    assert line == f"tiny-nano: {mean:.4f} bits per character, {len(known)} characters"
    (line,) = zoo("surprise", "tiny-nano", write("a☃" + "the cat " * 2000)).err.splitlines()
    assert line.endswith(" bits per character, 16,002 characters, 99.9 % known")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_gets_colours_that_fit(see, write, bits, columns):
    text = "The cat sat on a mat, " * 12 + "☃\n" + TEXT
    written = see("tiny-nano", write(text), columns=columns)
    Screen(columns, 24).feed(written.replace("\n", "\r\n"))  # which holds lines to its width
    assert "".join(body(written)).replace("↵", "\n") == text
    assert max(map(len, body(written))) > columns - 10
    ends = [line.endswith(" ") for line in body(written)[: 12 * 22 // columns - 1]]
    assert all(ends), "broken within a word"
    found = []
    colours = {"\x1b[0;4m": UNKNOWN} | {
        f"\x1b[0;38;5;{ink};48;5;{paper}m": number for number, (_, _, (ink, paper), _) in enumerate(BITS.steps)
    }
    for line in written.split("\n\nbits")[0].splitlines():
        assert line.endswith(RESET)
        for sequence, run in re.findall(r"(\x1b\[[\d;]+m)([^\x1b]+)", line):
            found += [colours[sequence]] * len(run)
    assert found == steps_of(bits(text))
    assert "unknown" in written


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "xterm"}], ids=str)
@pytest.mark.parametrize("columns", [40, 80])
def test_without_colours_there_are_glyphs_that_fit(see, write, environment, columns):
    text = "The cat sat on a mat, " * 12
    written = see("tiny-nano", write(text), columns=columns, **environment)
    assert not re.search(r"\x1b\[[\d;]*[34]8;5", written)
    legend_begins = written.index("\n\nbits  ' ' 0-1")
    lines = written[:legend_begins].split("\n")
    assert all(len(line) <= columns for line in written.splitlines())
    assert "".join(lines[::2]).replace(" ", "") == text.replace(" ", "")
    assert all(set(line) <= set(" .:+*#?") for line in lines[1::2])


def test_a_stream_that_knows_ascii_only_gets_no_more(see, write):
    written = see("tiny-nano", write(TEXT), PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert written.isascii()
    assert r"caf\xe9" in SGR.sub("", written)
    assert r"mat.\n" in SGR.sub("", written)


@pytest.mark.parametrize("columns", [1, 2, 7, 20, 40, 80])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_rows_hold_every_character_once_and_fit(columns, colour, plain):
    text, canvas = MIXED + "x" * 200 + "\n\n", Canvas(columns, colour, plain)
    values = np.arange(len(text)) % 10.0
    found = list(rows(text, values, BITS, canvas))
    assert "".join(cell.shown for row in found for cell in row) == "".join(visible(c, plain=plain)[0] for c in text)
    assert [cell.step for row in found for cell in row] == steps_of(values)
    for row in found:
        used = sum(cell.columns for cell in row)
        assert used <= max(columns, len(row) == 1 and row[0].columns)
        lines = drawn(row, BITS, canvas)
        assert len(lines) == (1 if colour else 2)
        assert all(cells(SGR.sub("", line)) <= used for line in lines)
    assert len([row for row in found if row[-1].shown in ("↵", r"\n")]) == text.count("\n")


def test_wide_characters_have_wide_glyphs_and_marks_a_place_of_their_own():
    row = next(rows("a東e\u0301\x1b", np.array([9.0, 9, 0, 9, 9]), BITS, Canvas(80, False, False)))
    assert drawn(row, BITS, Canvas(80, False, False)) == ["a東e◌\u0301\\x1b", "### #####"]


@pytest.mark.parametrize("plain", [False, True])
def test_a_shape_can_be_seen_and_is_obeyed_by_nobody(plain):
    for character in map(chr, (*range(0x3000), 0xD800, 0xE000, 0xFE0F, 0xFEFF, 0xFFF9, 0xE0041)):
        shown, columns = visible(character, plain=plain)
        assert columns >= 1
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Zp")]
        assert shown.isascii() or not plain
        assert len(shown) == columns or shown[0] == "◌" or columns == 2


@pytest.mark.parametrize("columns", [20, 40, 80])
@pytest.mark.parametrize("colour", [False, True])
def test_a_legend_names_every_step_and_fits(columns, colour):
    for scale in (BITS, gain_scale("one", "other")):
        lines = legend(scale, Canvas(columns, colour, False), unknown=True)
        assert all(cells(SGR.sub("", line)) <= columns for line in lines)
        words = " ".join(lines)
        assert all(step.label in words for step in scale.steps)
        assert scale.low in words
        assert scale.high in words
    assert "unknown" not in " ".join(legend(BITS, Canvas(80, colour, False), unknown=False))


@pytest.mark.parametrize("scale", [BITS, gain_scale("one", "other")], ids=["bits", "gain"])
def test_the_steps_of_a_scale_can_be_told_apart(scale):
    glyphs = [step.glyph for step in scale.steps]
    assert len({*glyphs, UNKNOWN_GLYPH}) == len(glyphs) + 1
    assert len(scale.edges) == len(glyphs) - 1
    for ground in ("dark", "light"):
        colours = [getattr(step, ground) for step in scale.steps]
        assert len({paper for _, paper in colours}) == len(colours)
        for ink, paper in colours:
            if paper is not None:
                light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4, (ink, paper)
    bright = [luminance(step.dark.paper) for step in BITS.steps]
    assert bright == sorted(bright), "what is brighter is more, whoever looks"


def luminance(number: int) -> float:
    """Of one of the 256 colours, as WCAG counts it."""
    channels = [int(hexadecimal(number)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_top_lists_what_surprises_most_with_its_place_and_what_stands_around(zoo, write, bits):
    outcome = zoo("surprise", "tiny-nano", write(TEXT), "--top", "3")
    assert outcome.code == 0
    head, *lines = outcome.out.splitlines()
    assert head.split() == ["at", "bits", "before", "here", "after"]
    values = bits(TEXT)
    order = [int(at) for at in np.argsort(-np.where(np.isnan(values), -1, values), kind="stable")[:3]]
    for line, at in zip(lines, order, strict=True):
        begin = TEXT.rfind("\n", 0, at) + 1
        assert line.split()[:2] == [f"{TEXT[:at].count(chr(10)) + 1}:{at - begin + 1}", f"{values[at]:.2f}"]
    assert len(zoo("surprise", "tiny-nano", write("ab☃"), "--top", "99").out.splitlines()) == 3


@pytest.mark.parametrize("columns", [40, 80])
def test_the_table_of_the_top_fits(see, write, columns):
    written = see("tiny-nano", write(MIXED + TEXT), "--top", "9", columns=columns)
    lines = SGR.sub("", written).splitlines()
    assert all(cells(line) <= columns for line in lines)
    assert lines[0].split() == ["at", "bits", "before", "here", "after"]
    assert len(lines) == 1 + 9 + len([line for line in lines if "known" in line or "character" in line])


@pytest.fixture
def rival(zoo, tiny_model, tiny_corpus):
    """Another model, of bytes."""
    options = ["--vocab", "bytes", "-n", "rival", *tiny_settings(max_steps=5)]
    assert zoo("train", "-d", "tiny", *options).code == 0
    return "rival"


def test_two_models_are_compared_where_both_know_the_character(zoo, write, rival):
    path = write(TEXT)
    outcome = zoo("surprise", "tiny-nano", path, "--vs", rival)
    assert outcome.code == 0
    words = outcome.out.replace("\n", " ")
    assert all(word in words for word in ("rival better ", "tiny-nano better ", "' ' even", "? unknown"))
    first, second, last = outcome.err.splitlines()
    assert first.startswith("tiny-nano: ")
    assert "known" in first
    assert second.startswith("rival: ")
    assert "known" not in second
    document = json.loads(zoo("surprise", "tiny-nano", path, "--vs", rival, "--json").out)
    one, other = (np.array(document[key], dtype=float) for key in ("bits", "vs_bits"))
    mean = np.nanmean(other - one)
    assert document["gain"] == pytest.approx(mean)
    better = "tiny-nano" if mean > 0 else "rival"
    known = document["model"]["known_characters"]
    assert last == f"{better} is better by {abs(mean):.4f} bits per character, of the {known} that both know"
    top = json.loads(zoo("surprise", "tiny-nano", path, "--vs", rival, "--json", "--top", "4").out)["top"]
    assert [abs(peak["vs_bits"] - peak["bits"]) for peak in top] == sorted(np.abs(other - one)[~np.isnan(one)])[:-5:-1]
    head = zoo("surprise", "tiny-nano", path, "--vs", rival, "--top", "4").out.splitlines()[0]
    assert head.split() == ["at", "bits", "vs", "gain", "before", "here", "after"]


def test_a_model_is_as_good_as_itself(zoo, write, tiny_model):
    outcome = zoo("surprise", "tiny-nano", write("the cat"), "--vs", "tiny-nano")
    assert outcome.out.splitlines()[:2] == ["the cat", ""]
    assert outcome.err.splitlines()[-1] == "both need the same bits per character"


def test_json_has_the_bits_of_every_character_in_full_precision(zoo, write, bits):
    path = write(TEXT)
    outcome = zoo("surprise", "tiny-nano", path, "--json")
    document = json.loads(outcome.out, parse_constant=pytest.fail)
    values = bits(TEXT)
    assert document["schema"] == "zoo.surprise/1"
    assert (document["file"], document["text"], document["characters"]) == (path, TEXT, len(TEXT))
    assert document["bits"] == [None if np.isnan(value) else value for value in values.tolist()]
    known = int((~np.isnan(values)).sum())
    assert document["model"] == {
        "name": "tiny-nano",
        "bits_per_character": pytest.approx(np.nanmean(values), rel=1e-12),
        "coverage": known / document["characters"],
        "known_characters": known,
    }
    assert document["vs"] is document["vs_bits"] is document["gain"] is None
    top = json.loads(zoo("surprise", "tiny-nano", path, "--json", "--top", "1").out)["top"]
    assert top[0]["bits"] == np.nanmax(values)
    assert json.loads(zoo("surprise", "tiny-nano", write("☃"), "--json").out)["model"]["bits_per_character"] is None


class Page(HTMLParser):
    """Tags with their attributes, the text of the <pre>, and all that would be loaded or run."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict]] = []
        self.inside, self.shown = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.inside.append(tag)

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, data):
        if "pre" in self.inside:
            self.shown += data


@pytest.mark.parametrize("text", [TEXT, HOSTILE, MIXED], ids=["text", "hostile", "mixed"])
def test_a_page_is_one_file_that_loads_nothing_and_runs_nothing(zoo, write, tmp_path, bits, text):
    path, out = write(text, "<b>&'\".txt"), tmp_path / "page.html"
    outcome = zoo("surprise", "tiny-nano", path, "--html", str(out))
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.splitlines()[0] == f"wrote {out}"
    written = out.read_text(encoding="utf-8")
    found = Page(written)
    assert found.inside == []
    assert {tag for tag, _ in found.tags} == {
        "html", "head", "meta", "title", "style", "body", "h1", "p", "pre", "span",
    }  # fmt: skip
    assert not re.search(r"https?:|url\(|@import|javascript", written)
    assert {key for _, attributes in found.tags for key in attributes} <= {
        "lang", "charset", "name", "content", "http-equiv", "class", "title",
    }  # fmt: skip
    assert "<h1>&lt;b&gt;&amp;&#x27;&quot;.txt</h1>" in written
    assert found.shown == "".join(c if c in "\n\t" else visible(c)[0] for c in text)
    assert not [c for c in written if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    titles = [attributes["title"] for _, attributes in found.tags if "title" in attributes]
    assert titles == ["unknown" if np.isnan(value) else f"{value:.2f} bits" for value in bits(text)]
    assert "prefers-color-scheme: dark" in written
    assert all(f">{step.label}</span>" in written for step in BITS.steps)


def test_a_page_of_a_long_text_has_a_span_for_each_run(write):
    text = ("aab\n" * (MOST_TITLED // 4 + 1))[: MOST_TITLED + 1]
    values = np.where(np.array(list(text)) == "b", 9.0, 0.5)
    written = "".join(page("title", ["summary"], text, values, BITS))
    assert written.count('<span class="s0">aa</span><span class="s5">b</span><span class="s0 end"></span>\n') > 20_000
    assert "title=" not in written
    assert Page(written).shown == text
    assert len(written) < 30 * len(text)


def test_a_page_replaces_what_was_there_but_not_the_text_itself(zoo, write, tmp_path, tiny_model):
    path, out = write(TEXT), tmp_path / "page.html"
    out.write_text("old")
    assert zoo("surprise", "tiny-nano", path, "--html", str(out)).code == 0
    assert out.read_text().startswith("<!doctype html>")
    assert zoo("surprise", "tiny-nano", path, "--html", path).code == 2
    (tmp_path / "link.txt").symlink_to(path)
    assert zoo("surprise", "tiny-nano", path, "--html", str(tmp_path / "link.txt")).code == 2
    assert (tmp_path / "text.txt").read_text() == TEXT
    assert not list(tmp_path.glob(".tmp-*"))


def test_nothing_of_a_hostile_file_is_obeyed(see, write, rival):
    path = write(HOSTILE)
    for options in ([], ["--top", "40"], ["--vs", rival], ["--vs", rival, "--top", "40"]):
        for columns, environment in ((80, {}), (40, {"NO_COLOR": "1"})):
            rest = SGR.sub("", see("tiny-nano", path, *options, columns=columns, **environment))
            assert not [c for c in rest if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert r"\x1b[31mcat" in "".join(body(see("tiny-nano", path)))


def test_standard_input_is_read_in_its_encoding(zoo, write, tiny_model):
    expected = zoo("surprise", "tiny-nano", write(TEXT)).out
    for given in (TEXT, TEXT.encode(), TEXT.encode("utf-16"), TEXT.replace("\n", "\r\n")):
        outcome = zoo("surprise", "tiny-nano", "-", stdin=given)
        assert (outcome.code, outcome.out) == (0, expected), outcome.err
    guessed = zoo("surprise", "tiny-nano", "-", stdin=TEXT.encode("cp1252"))
    assert guessed.out == expected
    assert "taken for cp1252" in guessed.err
    told = zoo("surprise", "tiny-nano", "-", "--encoding", "cp1252", stdin=TEXT.encode("cp1252"))
    assert told.out == expected
    assert "cp1252" not in told.err


def test_a_file_is_read_as_fetch_reads_it(zoo, write, tiny_model):
    page = "<!doctype html><html><body><p>The cat sat.</p><script>no()</script></body></html>"
    assert (
        json.loads(zoo("surprise", "tiny-nano", write(page, "a.html"), "--json").out)["text"].strip() == "The cat sat."
    )


def test_one_character_has_bits_too(zoo, write, tiny_model):
    document = json.loads(zoo("surprise", "tiny-nano", write("T"), "--json").out)
    assert (document["text"], len(document["bits"]), document["model"]["known_characters"]) == ("T", 1, 1)
    assert zoo("surprise", "tiny-nano", write("T")).out.startswith("T\n")


REFUSED = {
    "empty": (b"", [], 4, "text.txt holds no text"),
    "binary": (b"\x7fELF\x00\x01\x02", [], 4, "looks binary"),
    "no text": (bytes(range(128, 256)) * 9, [], 4, "is not utf-8"),
    "a damaged book": (b"PK\x03\x04" + bytes(99), [], 4, "text.txt"),
    "a pdf": (b"%PDF-1.7", [], 4, "is a PDF"),
    "wrong encoding": ("é".encode("latin-1"), ["--encoding", "ascii"], 4, "is not ascii"),
    "no encoding": (b"a", ["--encoding", "klingon"], 2, "klingon"),
    "no other model": (b"a", ["--vs", "nobody"], 3, "nobody"),
    "no top": (b"a", ["--top", "0"], 2, "--top"),
    "a page and a table": (b"a", ["--html", "x.html", "--top", "3"], 2, "--html"),
    "a page and JSON": (b"a", ["--html", "x.html", "--json"], 2, "--html"),
    "a page to stdout": (b"a", ["--html", "-"], 2, "--html"),
    "a page nowhere": (b"a", ["--html", "/nowhere/x.html"], 6, "cannot write /nowhere/x.html"),
    "a page on a directory": (b"a", ["--html", "/"], 2, "--html"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_one_line_and_an_exit_code(zoo, write, tiny_model, case):
    data, options, code, said = REFUSED[case]
    outcome = zoo("surprise", "tiny-nano", write(data), *options)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    if code == 4 and not options:
        piped = zoo("surprise", "tiny-nano", "-", stdin=data)
        assert piped.code == 4
        assert "standard input" in piped.err


def test_what_is_no_file_is_one_line_and_an_exit_code(zoo, tmp_path, tiny_model):
    os.mkfifo(tmp_path / "pipe")
    for path, code in ((tmp_path / "none", 3), (tmp_path, 4), (tmp_path / "pipe", 4), (tmp_path / ("x" * 300), 6)):
        outcome = zoo("surprise", "tiny-nano", str(path))
        assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (code, "", 1), outcome.err
    assert zoo("surprise", "nobody", str(tmp_path / "none")).code == 3
    assert zoo("surprise", "tiny-nano").code == 2


def test_a_file_that_is_too_large_is_refused_before_it_is_read(zoo, tmp_path, tiny_model, monkeypatch):
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(2**26 + 1)
    outcome = zoo("surprise", "tiny-nano", str(tmp_path / "large.txt"))
    assert outcome.code == 4
    assert "67,108,864" in outcome.err
    monkeypatch.setattr("zoo.reading.document.LARGEST_WHOLE", 10)
    assert zoo("surprise", "tiny-nano", "-", stdin="a" * 10).code == 0
    assert zoo("surprise", "tiny-nano", "-", stdin="a" * 11).code == 4


@pytest.mark.parametrize("options", [[], ["--html"]], ids=["text", "page"])
def test_ctrl_c_ends_it_and_leaves_nothing(home, write, tmp_path, tiny_model, options):
    path = write("The cat sat on a mat.\n" * 200_000)
    out = tmp_path / "page.html"
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "surprise", "tiny-nano", path, *options, *([str(out)] if options else [])],
        env={**os.environ, "ZOO_HOME": str(home.path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=3)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert (shown, said.strip()) == (b"", b"zoo: interrupted")
    assert not out.exists()
    assert not list(tmp_path.glob(".tmp-*"))


def test_whoever_stops_reading_stops_it(home, write, tiny_model):
    command = f"{sys.executable} -m zoo surprise tiny-nano {write(TEXT * 300)} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "ZOO_HOME": str(home.path)}, capture_output=True, check=False
    )
    assert done.returncode == 141
    assert done.stdout.decode() == "The cat sat on a mat.↵\n"
    assert done.stderr == b""


def test_values_belong_to_the_step_whose_edge_they_reach():
    values = np.array([0, 0.99, 1, 3.99, 4, 8, 1e9, np.nan])
    assert BITS.steps_of(values).tolist() == [0, 0, 1, 2, 3, 5, 5, UNKNOWN]


def test_a_heat_map_of_what_is_unknown_says_so(capsys):
    show_heat("ab", np.array([0.5, np.nan]), BITS)
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["ab", " ?"]
    assert "? unknown" in out
