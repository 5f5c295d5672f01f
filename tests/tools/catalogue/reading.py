"""Reading the built site as a browser would: tags that must balance, ids, links, text."""

import re
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class PageReader(HTMLParser):
    """One page. `faults`: tags that do not balance; `links`: every href; `loaded`: what a browser would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if len(attributes) != len(attrs):
            self.faults.append(f"{tag} repeats an attribute")
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "a":
            self.links.append(attributes.get("href") or "")
        self.loaded += [value or "" for name, value in attrs if name in {"src", "srcset", "data", "poster", "action"}]
        if tag == "link":
            self.loaded.append(attributes.get("href") or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"{self.getpos()}: </{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """What is read, with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self.words))


@dataclass
class Site:
    folder: Path
    addresses: list[str]
    said: list[str]

    def html(self, address: str) -> str:
        return (self.folder / address).read_text(encoding="utf-8")

    @cached_property
    def pages(self) -> dict[str, PageReader]:
        return {address: PageReader(self.html(address)) for address in self.addresses}

    def page(self, code: str) -> PageReader:
        """The page of a methodology."""
        return self.pages[f"methodologies/{code}.html"]

    def article(self, code: str, anchor: str) -> str:
        """The HTML of one article on the page of a methodology."""
        found = re.search(
            rf'<article [^>]*id="{re.escape(anchor)}">.*?</article>', self.html(f"methodologies/{code}.html"), re.S
        )
        assert found, f"{code} has no {anchor}"
        return found[0]


def maths(html: str) -> list[str]:
    """Every block of MathML."""
    return re.findall(r"<math .*?</math>", html, re.S)
