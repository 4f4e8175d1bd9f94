"""Archives that lie about what they hold, and texts that need more memory than there is."""

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from reading.books import PACKAGE, PARTS, epub, page

from zoo.corpora.corpus import open_corpus
from zoo.reading.archive import MAX_DIRECTORY_BYTES

ONE, TWO, COVER = "OEBPS/text/one.xhtml", "OEBPS/text/two b.xhtml", "OEBPS/cover.png"
LOCAL = {"flags": (6, "<H"), "packed": (18, "<L"), "size": (22, "<L"), "extra": (28, "<H")}
CENTRAL = {"flags": (8, "<H"), "crc": (16, "<L"), "packed": (20, "<L"), "size": (24, "<L")}
CENTRAL |= {"extra": (30, "<H"), "offset": (42, "<L")}
MEMORY = 160 * 2**20  # of a fetch that reads a book of a few pages; zoo itself takes a third of it


def patched(data: bytes, name: str, *, local: dict[str, int] | None = None, central: dict[str, int] | None = None):
    """Change what an archive says of the file `name`, in its local header and in its central directory."""
    changed = bytearray(data)
    for at, fields, values in (
        (data.index(name.encode()) - 30, LOCAL, local or {}),
        (data.rindex(name.encode()) - 46, CENTRAL, central or {}),
    ):
        for field, value in values.items():
            offset, form = fields[field]
            struct.pack_into(form, changed, at + offset, value)
    return bytes(changed)


def with_large_page(compression: int, megabytes: int) -> bytes:
    """An EPUB with a page of spaces, which is stated to have a thousand bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in PARTS.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression if name == ONE else zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as file:
                for piece in [b" " * 2**20] * megabytes if name == ONE else [content]:
                    file.write(piece.encode() if isinstance(piece, str) else piece)
    return patched(data.getvalue(), ONE, local={"size": 1000}, central={"size": 1000})


def header(data: bytes, name: str) -> zipfile.ZipInfo:
    return zipfile.ZipFile(io.BytesIO(data)).getinfo(name)


MEASURED = """
import re, sys
from pathlib import Path
from zoo.cli import run
code = run(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def fetch_measured(path: Path) -> tuple[int, str, int]:
    """Fetch a file in a process of its own; its exit code, what it said, and the most memory it took."""
    words = ["fetch", "mine", "--from", str(path)]
    process = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False)
    return process.returncode, process.stderr, int(process.stdout) * 1024


@pytest.mark.parametrize(
    ("compression", "megabytes", "said"),
    [
        (zipfile.ZIP_DEFLATED, 400, "is larger than it is stated to be"),
        (zipfile.ZIP_BZIP2, 400, "is compressed as no EPUB may be"),
        (zipfile.ZIP_LZMA, 200, "is compressed as no EPUB may be"),
    ],
)
def test_a_page_that_is_larger_than_stated_takes_no_memory(home, tmp_path, compression, megabytes, said):
    path = tmp_path / "book.epub"
    path.write_bytes(with_large_page(compression, megabytes))
    code, err, memory = fetch_measured(path)
    assert memory < MEMORY
    assert code == 4, err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list(home.corpora.rglob("*"))


def test_pages_that_share_their_bytes_are_refused(refused):
    data = epub()
    one = header(data, ONE)
    stated = {"crc": one.CRC, "packed": one.compress_size, "size": one.file_size, "offset": one.header_offset}
    assert "overlap" in refused(patched(data, COVER, central=stated), file="book.epub", code=9)


def test_pages_that_overlap_by_an_extra_field_are_refused(refused):
    data = epub(compression=zipfile.ZIP_STORED)
    one, two = header(data, ONE), header(data, TWO)
    begin, begin_of_two = (entry.header_offset + 30 + len(entry.filename) for entry in (one, two))
    sizes = {"packed": two.compress_size, "size": two.file_size}
    lying = patched(data, ONE, local={**sizes, "extra": begin_of_two - begin}, central={**sizes, "crc": two.CRC})
    assert "overlap" in refused(lying, file="book.epub", code=9)


def test_an_invented_size_of_an_unread_entry_does_not_excuse_a_large_page(refused):
    data = epub({ONE: page("x" * 30_000_000)})
    assert len(data) < 100_000
    assert "not a book" in refused(data, file="book.epub", code=9)
    assert "overlap" in refused(patched(data, COVER, central={"packed": 1_000_000}), file="book.epub", code=9)


@pytest.mark.parametrize("offset", [10**9, 2**62, 2**63, 2**64 - 1])
def test_a_page_beyond_the_end_of_the_archive_is_damage(refused, offset):
    data = bytearray(patched(epub(), ONE, central={"offset": 0xFFFFFFFF, "extra": 12}))
    behind_name, end = data.rindex(ONE.encode()) + len(ONE), data.rindex(b"PK\5\6")
    struct.pack_into("<L", data, end + 12, struct.unpack_from("<L", data, end + 12)[0] + 12)  # size of the directory
    data[behind_name:behind_name] = struct.pack("<2HQ", 1, 8, offset)
    err = refused(bytes(data), file="book.epub")
    assert "damaged EPUB" in err
    assert "is not where it is stated to be" in err


@pytest.mark.parametrize("field", ["packed", "size"])
def test_two_statements_of_a_size_that_differ_are_refused(refused, field):
    assert "two statements" in refused(patched(epub(), ONE, local={field: 7}), file="book.epub")
    assert "two statements" in refused(patched(epub(), ONE, local={field: 0}), file="book.epub")


def test_sizes_that_follow_the_data_are_read(fetched):
    whole = fetched(epub(), file="whole.epub").sha256
    follow = {"flags": 8, "packed": 0, "size": 0}
    changed = patched(epub(), ONE, local=follow, central={"flags": 8})
    assert fetched(changed, file="streamed.epub").sha256 == whole


@pytest.mark.parametrize(
    ("mark", "more", "said"),
    [
        ("</manifest>", "<a/>" * 1_100_000, "bytes in OEBPS/book.opf"),
        ("</spine>", "<itemref idref='one'/>" * 20_000, "a spine of"),
    ],
)
def test_a_package_that_is_far_too_large_is_refused(refused, mark, more, said):
    package = PACKAGE.replace(mark, more + mark)
    assert said in refused(epub({"OEBPS/book.opf": package, COVER: os.urandom(50_000)}), file="book.epub", code=9)


def test_a_central_directory_that_is_too_long_is_refused(refused):
    data = io.BytesIO(epub())
    with zipfile.ZipFile(data, "a") as archive:
        for number in range(MAX_DIRECTORY_BYTES // 60_000 + 1):
            entry = zipfile.ZipInfo(f"junk/{number}")
            entry.comment = bytes(60_000)
            archive.writestr(entry, b"")
    assert "its directory is longer" in refused(data.getvalue(), file="book.epub")


LIMITED = """
import resource, sys
from zoo.cli import run
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 100 * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
sys.exit(run(["fetch", "mine", "--from", sys.argv[1]]))
"""


def test_a_text_that_needs_more_memory_than_there_is_loses_nothing(zoo, home, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<html><p>small</p></html>")
    assert zoo("fetch", "mine", "--from", str(path)).code == 0
    path.write_text("<html>" + "<p>a</p>" * 2_000_000 + "</html>")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert done.stderr == f"zoo: error: {path} needs more memory than there is; give a part of it\n"
    assert open_corpus(home, "mine").text() == "small\n"
