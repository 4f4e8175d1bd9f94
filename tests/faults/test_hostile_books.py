"""Books that are damaged or mean harm, thousands of them, fetched through the command line.

Whatever the bytes, `zoo fetch` ends with a documented exit code and one line, soon and without a great deal of memory,
and a fetch that fails leaves nothing.
"""

import gzip
import resource
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from faults.mutations import mutants
from faults.mutations_books import EPUB, PAGE, PLAIN
from reading.books import PARTS, epub

EXIT_CODES = {0, 2, 4, 9}
SECONDS = 5.0
MEMORY = 768 * 2**20  # on top of what the process has when the test begins
LONGEST_MESSAGE = 2_000
TEXT = (
    "\ufeffThe Project Gutenberg EBook of X\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK X ***\r\n\r\n"
    + "Es war ein Mal, und \u00fcber Nacht war es ein zweites Mal.\r\nSo geht es fort \u2013 \u201cimmer\u201d.\r\n\r\n"
    * 9
    + "End of Project Gutenberg's X\r\n\r\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\r\n\r\nlicence\r\n"
)
BOOKS = {
    "book.txt": (TEXT.encode(), PLAIN),
    "book.html": (str(PARTS["OEBPS/text/one.xhtml"]).encode(), PAGE),
    "book.txt.gz": (gzip.compress(TEXT.encode(), mtime=0), PLAIN),
    "book.epub": (epub(), EPUB),
}


@pytest.fixture
def in_bounds():
    """No more memory than MEMORY for this process."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("file", BOOKS)
def test_a_book_of_any_bytes_is_read_or_refused_in_bounds(file, zoo, home, tmp_path, size, chance, in_bounds):
    original, form = BOOKS[file]
    path, codes, slowest = tmp_path / file, Counter(), (0.0, "")
    threads = threading.active_count()
    for mutant in mutants(original, form, size("mutations") // len(BOOKS), chance):
        path.write_bytes(mutant.data)
        options = chance.choice([[], [], [], ["--unwrap"], ["--encoding", "cp1252"], ["--encoding", "utf-16"]])
        begin = time.process_time()
        outcome = zoo("fetch", "book", "--from", str(path), *options)
        slowest = max(slowest, (time.process_time() - begin, mutant.how))
        codes[outcome.code] += 1
        where = f"{mutant.how} {options}: {outcome}"[:3_000]
        assert outcome.code in EXIT_CODES, where
        assert "Traceback" not in outcome.err, where
        assert "failed in zoo_open" not in outcome.err, where
        assert outcome.err.count("zoo: error:") == (outcome.code != 0), where
        assert max(map(len, outcome.err.splitlines())) < LONGEST_MESSAGE, where
        stored = list(home.corpora.glob("book/*"))
        assert bool(stored) == (outcome.code == 0), where
        shutil.rmtree(home.corpora, ignore_errors=True)
    assert slowest[0] < SECONDS, slowest
    assert threading.active_count() == threads
    assert codes[0] > 0
    assert codes[4] > 0
    print(f"\n{file}: exit codes {dict(codes)}, slowest {slowest[0]:.2f} s ({slowest[1]})")
