"""EPUBs for the tests: a whole one, and one with any part of it changed."""

import io
import zipfile

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="notes" href="notes.xhtml" media-type="application/xhtml+xml"/>
<item id="cover" href="cover.png" media-type="image/png"/>
</manifest><spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/>
<itemref idref="notes" linear="no"/></spine></package>"""


def page(body: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>not the text</title></head><body>{body}</body></html>"""


PARTS: dict[str, str | bytes] = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": PACKAGE,
    "OEBPS/nav.xhtml": page("<nav><ol><li>Contents</li></ol></nav>"),
    "OEBPS/text/one.xhtml": page("<h1>One</h1><p>It was\n  a dark&nbsp;night.</p><p>It &amp; rained.</p>"),
    "OEBPS/text/two b.xhtml": page("<h1>Two</h1><p>The <i>end</i>.</p>"),
    "OEBPS/notes.xhtml": page("<p>a note</p>"),
    "OEBPS/cover.png": b"\x89PNG\0",
}
TEXT = "One\n\nIt was a dark night.\n\nIt & rained.\n\nTwo\n\nThe end.\n"


def epub(changed: dict[str, str | bytes | None] | None = None, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An EPUB whose text is TEXT, with some of its parts replaced, added, or (None) left out."""
    parts = {**PARTS, **(changed or {})}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content, compression)
    return data.getvalue()
