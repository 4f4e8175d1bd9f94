"""Masking: addresses are shown and kept without what may be a secret: logins, queries and fragments.

It parses no address: an invalid one, or one of an unknown scheme, may hold a secret, too.
"""

import re

HIDDEN = "?..."  # stands for a query, a fragment, or parameters
_START = re.compile(
    r"(?<![a-z0-9+.-])[a-z0-9+.-]{2,}:[/\\]+|https?(?::|：?[/\\]{2,})|(?<![^\s'\"(=])[/\\]{2,}", re.IGNORECASE
)
_HOST = re.compile(
    r"(?:\[[^\s\]@]*\]|[^\s/\\?#;@:'\"]*)"  # IPv6, or a name
    r"(?::(?:[0-9]*|\.\.\.))?(?=[/\\?#;'\"),]|:?(?:\s|$))",
    re.IGNORECASE,
)
_REST = re.compile(r"[^\s'\"]*")  # of an address inside a sentence
_LOGIN_IN_PATH = re.compile(r"(?<=[/\\])[^/\\:]*:[^/\\]*@")
_QUERY = re.compile(r"(?:[?#;]|%3f|%23|%3b)(?![,:;)]{0,9}$)|(?:&|%26)(?=[^/]*=)", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[,:;)]*$")  # of the sentence
_BEFORE_PATH = re.compile(r"[/\\\s'\"]|$")
_BLANK = re.compile(r"[\s'\"]")
_WITHOUT_SCHEME = re.compile(
    r"[^/\\@]*:.*@|(?:localhost|\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)+)(?::\d+)?(?:/.*)?[?;].*=", re.IGNORECASE
)


def masked(text: str) -> str:
    """Return a sentence with the secrets of all addresses in it left out."""
    pieces, at = [], 0
    while start := _START.search(text, at):
        pieces.append(text[at : start.end()])
        at = start.end()
        if not _HOST.match(text, at):
            word = _REST.match(text, at).end()  # type: ignore[union-attr]
            login = text.rfind("@", at, word)
            login = text.rfind("@", at) if login < 0 else login  # a password may hold anything, blanks too
            if login < 0:
                port = text.index(":", at)
                pieces.append(text[at:port] + ":...")
                login = _BEFORE_PATH.search(text, port).start() - 1  # type: ignore[union-attr]
            at = login + 1
        nested = _START.search(text, at)
        address = text[at : _REST.match(text, at, nested.start() if nested else len(text)).end()]  # type: ignore[union-attr]
        query = _QUERY.search(address)
        if query:
            address = _REST.match(text, at)[0]  # type: ignore[index]
        pieces.append(_LOGIN_IN_PATH.sub("", address[: query.start()] if query else address))
        if query:
            pieces.append(HIDDEN + _PUNCTUATION.search(address)[0])  # type: ignore[index]
        at += len(address)
    return "".join([*pieces, text[at:]])


def masked_source(source: str) -> str:
    """Return the source of a text without its secrets; blanks and quotes do not end an address here."""
    if _START.search(source):
        return masked(_BLANK.sub("%20", source))
    if _WITHOUT_SCHEME.match(source):
        return masked("//" + _BLANK.sub("%20", source)).removeprefix("//")
    return source
