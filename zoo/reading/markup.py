"""HTML and XHTML to text: a paragraph a line, a blank line between, no scripts, no styles, no navigation.

Written for books, not for pages that scripts build. It takes time in proportion to the length, whatever the input: what
browsers would repair is read in some way and never twice.
"""

import html
import re

UNCLOSED = "elements left out to the end of their page, for they are never closed"
PARAGRAPHS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend",
    "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "ul",
))  # fmt: skip
LINES = frozenset(("button", "caption", "li", "option", "tr"))
CELLS = frozenset(("td", "th"))
LEFT_OUT = frozenset(("head", "iframe", "nav", "object", "svg", "template"))  # with all that is inside
RAW = frozenset(("script", "style", "textarea", "noscript", "title"))  # in which nothing but their own end is a tag
VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_STOP = re.compile(r"""=\s*(["'])|>""")  # quotes anywhere else are apostrophes
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
INLINE = frozenset(("a", "b", "em", "i", "small", "span", "strong", "sup"))  # what the number of a page stands in
_COMMENT_END = re.compile("--!?>")
_CLOSES_ITSELF = re.compile(r"""(?:^|[\s"'])/$""")
_ATTRIBUTE = re.compile(r"""([^\s=/>"']++)\s*+(?:=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]*+))?""")
_PAGE_NUMBERS = frozenset(("pagenum", "pageno", "page-number", "pagebreak"))


def looks_like_markup(text: str) -> bool:
    """Whether a text begins as HTML or XHTML does."""
    head = text[:4096].lstrip("\ufeff \t\r\n").lower()
    return head.startswith(("<!doctype html", "<html")) or (head.startswith("<?xml") and "<html" in head)


def text_of(markup: str) -> tuple[str, int]:
    """The text of a page, and how many of the elements left out were never closed: all behind them went too."""
    reader = _Reader(markup)
    reader.read()
    return reader.out.text(), reader.depth


class _Writer:
    """Collects text; white space becomes one space, and a line never begins or ends with it."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.last = "\n"
        self.in_pre = 0

    def write(self, text: str) -> None:
        if not self.in_pre:
            text = _SPACE.sub(" ", text)
            if self.last in " \n":
                text = text.lstrip(" ")
        if text:
            self.pieces.append(text)
            self.last = text[-1]

    def end_line(self) -> None:
        if self.last != "\n":
            self.write_end()

    def write_end(self) -> None:
        self.pieces.append("\n")
        self.last = "\n"

    def text(self) -> str:
        """All of it, with at most one blank line in a row."""
        lines: list[str] = []
        for line in map(str.rstrip, "".join(self.pieces).split("\n")):
            if line or (lines and lines[-1]):
                lines.append(line)
        return "\n".join(lines).rstrip("\n") + "\n"


def _is_page_number(name: str, attributes: str) -> bool:
    """Whether an element holds no more than the number of a page; a whole chapter may break the page, too."""
    return name in INLINE and any(
        key.lower().rpartition(":")[2] in ("class", "type")
        and not _PAGE_NUMBERS.isdisjoint(value.strip("\"'").lower().split())
        for key, value in _ATTRIBUTE.findall(attributes)
    )


class _Reader:
    """Goes through a page once, from one tag to the next."""

    def __init__(self, page: str) -> None:
        self.page, self.at = page, 0
        self.out = _Writer()
        self.left_out = ""  # the name of the element that is being left out, or nothing
        self.depth = 0  # how many of that name are open, one in the other
        self.quotes_matter = True
        self.last = {mark: page.rfind(mark) for mark in ("]]>", '"', "'", ">")}

    def read(self) -> None:
        while self.at < len(self.page):
            begin = self.page.find("<", self.at)
            self.text(begin if begin >= 0 else len(self.page))
            if begin >= 0:
                self.tag(begin)

    def text(self, end: int) -> None:
        if end > self.at and not self.left_out:
            text = _LONG_REFERENCE.sub("\ufffd", self.page[self.at : end])
            self.out.write(html.unescape(text))
        self.at = end

    def tag(self, begin: int) -> None:
        """Whatever begins with `<` at `begin`."""
        page = self.page
        if page.startswith(("<!-->", "<!--->"), begin):
            self.at = page.index(">", begin) + 1
        elif page.startswith("<!--", begin):
            end_of_comment = _COMMENT_END.search(page, begin + 4)
            self.at = end_of_comment.end() if end_of_comment else len(page)
        elif page.startswith("<![CDATA[", begin) and self.last["]]>"] > begin:
            end = page.index("]]>", begin)
            if not self.left_out:
                self.out.write(page[begin + 9 : end])
            self.at = end + 3
        elif page.startswith(("<!", "<?"), begin):
            self.skip_past(">", begin + 2)
        else:
            closing = page.startswith("/", begin + 1)
            name = _NAME.match(page, begin + 1 + closing)
            if name is None:  # a plain less-than sign
                self.out.write("" if self.left_out else "<")
                self.at = begin + 1
                return
            end = self.end_of_tag(name.end())
            self.at = end + 1
            attributes = page[name.end() : end]
            (self.close if closing else self.open)(name[0].lower().rpartition(":")[2], attributes)

    def skip_past(self, mark: str, begin: int) -> None:
        end = self.page.find(mark, begin)
        self.at = end + len(mark) if end >= 0 else len(self.page)

    def end_of_tag(self, at: int) -> int:
        """Where the `>` of a tag stands, which is no attribute's; the end of the page when there is none."""
        begin = at
        while self.quotes_matter and (found := _STOP.search(self.page, at)):
            if found[0] == ">":
                return found.start()
            at, quote = found.end(), found[1]
            if at <= self.last[quote]:
                at = self.page.index(quote, at) + 1
        self.quotes_matter = False  # they do not come in pairs: nothing was found in looking up to the end
        end = self.page.find(">", begin) if begin <= self.last[">"] else -1
        return end if end >= 0 else len(self.page)

    def open(self, name: str, attributes: str) -> None:
        empty = name in VOID or bool(_CLOSES_ITSELF.search(attributes[-2:]))
        if name in RAW:  # wherever it stands, what looks like a tag in it is none
            found = re.compile(rf"</{name}", re.IGNORECASE).search(self.page, self.at) if not empty else None
            self.at = self.at if empty else found.start() if found else len(self.page)
            return
        if self.left_out and self.ends_implicitly(name):
            self.left_out, self.depth = "", 0
        if self.left_out:
            self.depth += name == self.left_out and not empty
            return
        if (name in LEFT_OUT or _is_page_number(name, attributes)) and not empty:
            self.left_out, self.depth = name, 1
        else:
            self.break_at(name)
            self.out.in_pre += name == "pre" and not empty

    def ends_implicitly(self, name: str) -> bool:
        """Whether a tag of that name cannot stand in what is left out: a head, or the number of a page."""
        if self.left_out == "head":
            return name in ("body", "br") or name in PARAGRAPHS or name in LINES
        return self.left_out not in LEFT_OUT and name in PARAGRAPHS

    def close(self, name: str, _: str) -> None:
        if self.left_out:
            self.depth -= name == self.left_out
            self.left_out = self.left_out if self.depth else ""
            return
        self.break_at(name)
        self.out.in_pre -= name == "pre" and self.out.in_pre > 0

    def break_at(self, name: str) -> None:
        """A tag of that name separates what stands before and behind it."""
        if name in PARAGRAPHS:
            self.out.end_line()
            self.out.write_end()
        elif name in LINES:
            self.out.end_line()
        elif name == "br":
            self.out.write_end()
        elif name in CELLS:
            self.out.write(" ")
