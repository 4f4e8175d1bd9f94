"""Books in every form: HTML, EPUB, gzip, Project Gutenberg's frame, soft line ends."""

import gzip
import io
import os
import time
import zipfile

import pytest
from reading.books import CONTAINER, PACKAGE, TEXT, epub, page

from zoo.reading.decoding import GUESSED
from zoo.reading.document import FRAMED, JOINED
from zoo.reading.epub import LEFT_OUT
from zoo.reading.gutenberg import LICENCE_CHARACTERS, strip_frame
from zoo.reading.markup import text_of


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo\n"),
        ("<p>one\n   line</p>", "one line\n"),
        ("one<br>two<br/>three", "one\ntwo\nthree\n"),
        ("<p>one<br><br>two", "one\n\ntwo\n"),
        ("<h1>A</h1>text<h2>B</h2>", "A\n\ntext\n\nB\n"),
        ("<ul><li>one</li><li>two</li></ul>after", "one\ntwo\n\nafter\n"),
        ("<ul><li>one<li>two</ul>", "one\ntwo\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ("<pre>  two\n    four</pre>", "  two\n    four\n"),
        ("a <b>bold</b> word, <i>i</i>", "a bold word, i\n"),
        ("x<script>if (a < b) document.write('<p>no</p>')</script>y", "xy\n"),
        ("x<style>p > b { color: red }</style>y", "xy\n"),
        ("x<SCRIPT src='a'/>y", "xy\n"),
        ("x<script>never closed", "x\n"),
        ("<head><title>no</title></head><body>yes</body>", "yes\n"),
        ("<head><title>no</title><body>yes", "yes\n"),
        ("<nav><ul><li>no<nav>no</nav></ul></nav>yes", "yes\n"),
        ("<!-- no <p> no -->yes<!-- no", "yes\n"),
        ("a<![CDATA[ <b> & ]]>b", "a <b> & b\n"),
        ("<?xml version='1.0'?>a<!DOCTYPE x>b", "ab\n"),
        ("&lt;&amp;&nbsp;&eacute;&#233;&#xE9;&nosuch;&", "<& ééé&nosuch;&\n"),
        ("&#55555555555555555555; &#xD800; &#0;", "\ufffd \ufffd \ufffd\n"),
        ("<a title=\"a > b\" href='c>d'>text</a>", "text\n"),
        ("<a title=it's>it's</a> fine", "it's fine\n"),
        ('<a title="never closed>text</a> more', "text more\n"),
        ("1 < 2 and 3 > 2 <", "1 < 2 and 3 > 2 <\n"),
        ("<p>unclosed <b>tags <i>everywhere", "unclosed tags everywhere\n"),
        ('one<span class="x pagenum">[Pg 7]</span> two', "one two\n"),
        ('one<span epub:type="pagebreak" title="7"/> two', "one two\n"),
        ("<svg><text>no</text></svg>yes", "yes\n"),
        ("<xhtml:p>one</xhtml:p><xhtml:p>two</xhtml:p>", "one\n\ntwo\n"),
        ("</p></div></nav>text</", "text</\n"),
        ("", "\n"),
    ],
)
def test_markup_becomes_text(markup, text):
    assert text_of(markup)[0] == text


@pytest.mark.parametrize(
    ("markup", "text", "unclosed"),
    [
        ("<nav>menu</nav><p>One</p>", "One\n", 0),
        ("<p>One</p><nav>menu<p>Two", "One\n", 1),
        ("<p>One<svg><text>two", "One\n", 1),
        ("One <span class=pagenum>12<p>Two", "One\n\nTwo\n", 0),
        ('<div class="chapter pagebreak"><p>All of it.</p></div>', "All of it.\n", 0),
        ('<span title="class= pageno">One</span><i data-class="pageno">Two</i>', "OneTwo\n", 0),
        ('<head><script>var a="<!--";</script></head><body>One', "One\n", 0),
        ("<title>A <!-- B</title><p>One", "One\n", 0),
        ("<nav><script>h='<nav>'</script><a>Home</a></nav><p>One", "One\n", 0),
        ("<head><script>write('<body>')</script></head>One", "One\n", 0),
        ("<p>A<!-->One</p>B<!--->C<!-- x --!>D", "AOne\n\nBCD\n", 0),
        ("<legend>One</legend>Two<button>A</button><button>B</button>", "One\n\nTwo\nA\nB\n", 0),
        ("a<script src=http://x/>var a=1;</script>b", "ab\n", 0),
        ("<html><head><title>t</title><p>Hello", "Hello\n", 0),
        ("<html><head><title>t</title></head>Hello", "Hello\n", 0),
    ],
)
def test_what_is_left_out_ends_where_it_must_and_is_counted_where_it_does_not(markup, text, unclosed):
    assert text_of(markup) == (text, unclosed)


@pytest.mark.parametrize("file", ["a.html", "A.HTM", "a.xhtml", "page", "page.php", "a.html.gz"])
def test_a_page_is_read_as_its_text(fetched, file):
    data = b"\xef\xbb\xbf  <!DOCTYPE html>\r\n<html><body><p>One.</p>\r\n<p>Two.</p></body></html>"
    corpus = fetched(gzip.compress(data) if file.endswith("gz") else data, file=file)
    assert corpus.text() == "One.\n\nTwo.\n"


@pytest.mark.parametrize("file", ["a.md", "a.txt", "a.rst"])
def test_what_says_it_is_plain_text_is_read_as_it_is(fetched, file):
    text = "<html> is where a page *begins* &amp; ends\n"
    assert fetched(text.encode(), file=file).text() == text


@pytest.mark.parametrize(
    "hostile",
    ["<!--", "<a ", "<![CDATA[", "<a '>", '<a ">"', "</", "<", "&#9", "&", "<p>", "<nav>", "<script>", "<a b='", "<?"],
)
def test_two_megabytes_of_anything_are_read_in_time(hostile):
    begin = time.process_time()
    text_of(hostile * (2_000_000 // len(hostile)))
    text_of(hostile * (1_000_000 // len(hostile)) + ">" + "\"'" + "-->]]></script></nav>")
    text_of("<p class=" + hostile * (1_000_000 // len(hostile)) + ">")
    assert time.process_time() - begin < 10


def test_an_attribute_of_blanks_and_a_crowd_of_frames_are_read_in_time():
    begin = time.monotonic()
    text_of("<p class=" + " " * 1_000_000 + ">")
    text_of("<p class='" + "pagenum" * 100_000 + "'>")
    mark = "*** {} OF THE PROJECT GUTENBERG EBOOK X ***\n"
    strip_frame((mark.format("START") + mark.format("END")) * 20_000)
    strip_frame(mark.format("START") * 20_000 + mark.format("END") * 20_000)
    assert time.monotonic() - begin < 10


def test_an_epub_is_read_in_the_order_of_its_spine(fetched):
    corpus = fetched(epub(), file="book.epub")
    assert corpus.text() == TEXT
    assert corpus.changes == {LEFT_OUT: 2}
    assert fetched(epub(compression=zipfile.ZIP_STORED), file="no-ending", name="stored").sha256 == corpus.sha256
    assert fetched(gzip.compress(epub()), file="book.epub.gz", name="packed").sha256 == corpus.sha256


def test_a_spine_with_a_picture_and_a_package_with_a_doctype_are_fine(fetched):
    package = PACKAGE.replace("<spine>", '<spine><itemref idref="cover"/>')
    doctype = '<!DOCTYPE package PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN" "oebpkg12.dtd">'
    package = package.replace("<package", f"{doctype}<package", 1)
    corpus = fetched(epub({"OEBPS/book.opf": package}), file="b.epub")
    assert corpus.text() == TEXT
    assert corpus.changes == {LEFT_OUT: 3}


def test_a_guess_inside_an_epub_is_said(fetched):
    old = page("<p>Caf\u00e9, and nothing else that is not plain</p>").replace("utf-8", "").encode("cp1252")
    corpus = fetched(epub({"OEBPS/text/one.xhtml": old}), file="b.epub")
    assert corpus.text().startswith("Caf\u00e9, ")
    assert corpus.changes[GUESSED] == 1


def test_scrambled_fonts_do_not_make_a_book_unreadable(fetched):
    encryption = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
      xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>
      <enc:CipherReference URI="OEBPS/font.otf"/></enc:CipherData></enc:EncryptedData></encryption>"""
    assert fetched(epub({"META-INF/encryption.xml": encryption}), file="b.epub").text() == TEXT


LAUGHS = "<!DOCTYPE x [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
SECRET = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'


def locked(name: str) -> str:
    return f'<encryption><CipherReference URI="{name}"/></encryption>'


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"META-INF/container.xml": None}, 4, "is a zip archive and no EPUB"),
        ({"META-INF/container.xml": "<container/>"}, 4, "names no package"),
        ({"META-INF/container.xml": "no xml"}, 4, "is not XML"),
        ({"OEBPS/book.opf": None}, 4, "OEBPS/book.opf is missing"),
        ({"OEBPS/book.opf": PACKAGE.partition("<spine>")[0] + "<spine/></package>"}, 4, "its spine is empty"),
        ({"OEBPS/text/one.xhtml": None}, 4, "OEBPS/text/one.xhtml is missing"),
        ({"OEBPS/book.opf": PACKAGE.replace('idref="one"', 'idref="nobody"')}, 4, "names what is not there"),
        ({"META-INF/encryption.xml": locked("OEBPS/text/one.xhtml")}, 4, "DRM"),
        ({"META-INF/rights.xml": "<rights/>"}, 4, "DRM"),
        ({"META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "../../etc/passwd")}, 9, "leads out of itself"),
        ({"META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "/etc/passwd")}, 9, "leads out of itself"),
        ({"META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "C:\\book.opf")}, 9, "leads out of itself"),
        ({"OEBPS/book.opf": PACKAGE.replace("text/one", "../../etc/one")}, 9, "leads out of itself"),
        ({"OEBPS/book.opf": PACKAGE.replace("text/one", "..%2f..%2fone")}, 9, "leads out of itself"),
        ({"OEBPS/book.opf": PACKAGE.replace("text/one", "..\\..\\one")}, 9, "leads out of itself"),
        ({"OEBPS/book.opf": PACKAGE.replace("text/one", "file:///etc/one")}, 9, "leads out of itself"),
        ({"OEBPS/book.opf": LAUGHS + "<package>&l9;</package>"}, 9, "declares entities"),
        ({"OEBPS/book.opf": (SECRET + "<package>&secret;</package>").encode("utf-16")}, 9, "declares entities"),
        ({"META-INF/container.xml": SECRET + "<container>&secret;</container>"}, 9, "declares entities"),
        ({"OEBPS/text/one.xhtml": SECRET + page("&secret;")}, 9, "declares entities"),
        ({"OEBPS/text/one.xhtml": b"a\0b"}, 4, "looks binary"),
        ({f"junk/{n}": b"" for n in range(10_001)}, 9, "not a book"),
        ({"junk": b"\0" * 30_000_000}, 9, "not a book"),
        ({"OEBPS/text/one.xhtml": "", "OEBPS/text/two b.xhtml": page("")}, 4, "there is no text"),
    ],
)
def test_an_epub_that_is_damaged_or_means_harm_is_refused(refused, changed, code, said):
    assert said in refused(epub(changed), file="book.epub", code=code)


def test_an_epub_that_is_cut_off_anywhere_is_refused(refused):
    data = epub()
    for length in range(4, len(data), len(data) // 20):
        refused(data[:length], file="book.epub")


def test_an_epub_with_two_files_of_one_name_is_refused(refused):
    data = io.BytesIO(epub())
    with zipfile.ZipFile(data, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("OEBPS/text/one.xhtml", page("another"))
    assert "two files of one name" in refused(data.getvalue(), file="book.epub")


def test_an_epub_whose_entry_is_larger_than_it_says_is_refused(refused):
    long = page("<p>" + "word " * 5_000 + "</p>")
    data = epub({"OEBPS/text/one.xhtml": long})
    size = len(long.encode()).to_bytes(4, "little")
    assert data.count(size) >= 1
    assert "damaged" in refused(data.replace(size, (1000).to_bytes(4, "little")), file="book.epub")


def test_an_encrypted_epub_is_refused(refused):
    data = bytearray(epub(compression=zipfile.ZIP_STORED))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(magic)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(magic, at + 1)
    assert "is encrypted" in refused(bytes(data), file="book.epub")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7\n...", "is a PDF; save it as text"),
        (b"{\\rtf1 text}", "is an RTF file"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (b"Rar!\x1a\x07", "is a RAR archive"),
        (b"BZh91AY&SY", "is a bzip2 file"),
        (b"\xfd7zXZ\0", "is an xz file"),
        (gzip.compress(gzip.compress(b"text", mtime=0), mtime=0), "is a gzip file inside another"),
    ],
)
def test_what_is_no_book_is_named_with_the_way_on(refused, data, said):
    assert said in refused(data, file="book")


def test_a_gzipped_text_is_read_whole_with_all_its_members(fetched):
    data = gzip.compress("eins für alle\n".encode()) + gzip.compress(b"and all for one\n")
    assert fetched(data, file="a.txt.gz").text() == "eins für alle\nand all for one\n"


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]


PACKED = gzip.compress(b"a text that is long enough\n" * 10, mtime=0)


@pytest.mark.parametrize(
    "data",
    [PACKED[:-1], PACKED[:20], PACKED[:5], damaged(PACKED, len(PACKED) - 8), damaged(PACKED, 15), PACKED + b"junk"],
    ids=["its end is missing", "half", "a piece of its header", "a wrong checksum", "a wrong byte", "junk after it"],
)
def test_a_damaged_gzip_file_is_refused(refused, data):
    assert "is a damaged gzip file" in refused(data, file="a.txt.gz")


def test_a_gzip_bomb_is_refused_while_it_is_small(refused, monkeypatch):
    monkeypatch.setattr("zoo.reading.compressed.FREE_BYTES", 2**20)
    monkeypatch.setattr("zoo.reading.document.WHOLE_BYTES", 2**19)  # it streams, so that the bound holds while it does
    bomb = gzip.compress(b"the same line\n" * 3_000_000)
    assert "grows more than 100 times" in refused(bomb, file="bomb.gz", code=9)


@pytest.mark.parametrize("tags", ["<nav>", "<nav><svg>", "<nav><iframe><object><template><svg><head>", "<div>", "<"])
def test_a_page_of_open_elements_takes_time_in_proportion(tags):
    def seconds(length: int) -> float:
        page = "<html>" + tags * (length // len(tags))
        begin = time.process_time()
        text_of(page)
        return time.process_time() - begin

    assert seconds(400_000) < 3 * seconds(200_000) + 1


def framed(body: str, title: str = "A BOOK") -> str:
    licence = f"Section 1. General Terms of Use\n{'Project Gutenberg-tm licence words. ' * 300}\n"
    return (
        f"The Project Gutenberg EBook of {title}\n\nThis eBook is for the use of anyone\n\n"
        f"*** START OF THIS PROJECT GUTENBERG EBOOK {title} ***\n\n\n\nProduced by Nobody and\nSomebody\n\n\n"
        f"[Transcriber's note: all of it.]\n\n{body}\n\n\n"
        f"End of the Project Gutenberg EBook of {title}, by\nA. N. Author\n\n"
        f"*** END OF THIS PROJECT GUTENBERG EBOOK {title} ***\n\n{licence}"
    )


BODY = "CHAPTER I\n\n  It was said to be produced by wind.\n\nThe project of Gutenberg ends.\n\nTHE END\n"


def test_the_frame_of_project_gutenberg_goes_and_is_said(fetched, zoo, tmp_path):
    corpus = fetched(framed(BODY).encode())
    assert corpus.text() == BODY
    assert corpus.changes == {FRAMED: len(framed(BODY)) - len(BODY)}
    assert f"{FRAMED}: " in zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt")).err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*** START OF THIS", "***START OF THE"),
        ("*** END OF THIS", "***END OF THE"),
        ("GUTENBERG EBOOK A BOOK ***", "GUTENBERG EBOOK A BOOK\nIN TWO LINES ***"),
        ("End of the Project Gutenberg EBook of", "End of Project Gutenberg’s"),
        ("EBOOK", "ETEXT"),
        ("OF THIS PROJECT", "OF THE COPYRIGHTED PROJECT"),
        ("End of the Project Gutenberg EBook of A BOOK, by\nA. N. Author\n\n", ""),
        ("*** END OF THIS PROJECT GUTENBERG EBOOK A BOOK ***\n", ""),
        ("\n", "\r\n"),
        ("*** START OF THIS PROJECT GUTENBERG EBOOK A BOOK ***", "*END*THE SMALL PRINT! FOR ETEXTS*Ver.04.29.93*END*"),
    ],
)
def test_the_frame_is_known_in_all_its_wordings(fetched, old, new):
    text = framed(BODY)
    assert old in text
    assert fetched(text.replace(old, new).encode()).text() == BODY


def test_several_framed_books_in_one_file_all_stay(fetched):
    both = framed(BODY) + framed(BODY.replace("CHAPTER I", "CHAPTER II"), "ANOTHER")
    assert fetched(both.encode()).text() == BODY + "\n" + BODY.replace("CHAPTER I", "CHAPTER II")


def test_a_text_that_only_speaks_of_gutenberg_stays_as_it_is(fetched):
    text = "Of files.\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n" + "is what they end with, " * (
        LICENCE_CHARACTERS // 20
    )
    assert fetched(text.encode()).text() == text


def test_what_stands_outside_the_frames_stays(fetched):
    own = "My own words, long before the book.\n"
    end = "Section 5.\n\nsubscribe to our email newsletter to hear about new eBooks.\n"
    text = f"{own}\n{framed(BODY)}{end}\n{own}\n{framed(BODY)}{end}"
    assert fetched(text.encode()).text() == f"{own}\n{BODY}\n{own}\n{BODY}"


@pytest.mark.parametrize(
    "text",
    [
        "It is the\nend of Project Gutenberg as we know it.\nThe rest is to be read.\n",
        "As they write:\n\nEnd of the Project Gutenberg EBook\n\nand so on.\n",
    ],
)
def test_words_about_the_end_are_no_end(fetched, text):
    assert fetched(text.encode()).text() == text


@pytest.mark.parametrize(
    "credit",
    [
        "Produced by An Anonymous Volunteer",
        "Transcribed from the 1915 Methuen and Co edition by A. Nother, email\nsomebody@example.org",
        "Special thanks are due to Some Body for extensive\nproofreading and correction of this etext.",
        "E-text prepared by Some Body",
        "[Project Gutenberg Editor's Note: There is also another version]",
        "This eBook was produced by Some Body.",
    ],
)
def test_credits_of_the_file_go_with_its_frame(fetched, credit):
    assert fetched(framed(f"{credit}\n\n\n{BODY}").encode()).text() == BODY


@pytest.mark.parametrize(
    "paragraph",
    ["Produced by nature, the stone lies\nbefore us.", "This ebook of memories I write.", "Special thanks, said Tom."],
)
def test_a_book_that_begins_like_a_credit_keeps_its_beginning(fetched, paragraph):
    assert fetched(framed(f"{paragraph}\n\n{BODY}").encode()).text() == f"{paragraph}\n\n{BODY}"


def test_a_framed_page_loses_its_frame_too(fetched):
    corpus = fetched(f"<html><body><pre>{framed(BODY)}</pre></body></html>".encode(), file="a.html")
    assert corpus.text() == BODY


WRAPPED = """CHAPTER I


This is the first paragraph of a book, which was broken to fit a
page and goes on for a while, until it comes to an end.  A she-
wolf is in it, and a pause--or what looks like one in print--
"and then," as they say, "comes the rest of it," and no more.

  An indented line begins a paragraph of its own, and that is
  what the next line does, too, so both of them keep their ends.

Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;

I. A Scandal in Bohemia
II. The Red-headed League
"""


def test_soft_line_ends_are_joined_when_asked(fetched):
    corpus = fetched(WRAPPED.encode(), "--unwrap")
    joined = WRAPPED.replace("fit a\npage", "fit a page").replace("she-\nwolf", "she-wolf")
    assert corpus.text() == joined.replace('print--\n"and', 'print--"and')
    assert corpus.changes == {JOINED: 3}
    assert corpus.options == {"unwrap": True}
    assert fetched(WRAPPED.encode(), name="as-it-is").text() == WRAPPED


def test_verse_alone_stays_as_it_is(fetched):
    verse = "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\n" * 7
    assert fetched(verse.encode(), "--unwrap").text() == verse


def test_unwrapping_takes_files_that_can_be_held(refused, monkeypatch):
    monkeypatch.setattr("zoo.reading.document.WHOLE_BYTES", 1000)
    assert "too large for --unwrap" in refused(b"a line\n" * 1000, "--unwrap")


@pytest.mark.parametrize("unwrap", [[], ["--unwrap"]])
def test_one_line_of_many_megabytes_is_read_in_time(fetched, unwrap):
    begin = time.monotonic()
    corpus = fetched(b"word " * 5_000_000, *unwrap)
    assert corpus.longest_line >= 24_999_999
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem", "/dev/null"])
def test_a_device_is_refused_at_once(zoo, path):
    if not os.path.exists(path):  # noqa: PTH110
        pytest.skip(f"no {path} here")
    outcome = zoo("fetch", "mine", "--from", path)
    assert outcome.code in (4, 6), outcome
    assert outcome.err.count("zoo: error:") == 1
