"""Read a page as a browser would see its structure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "wbr"}
SELF_CLOSING = {"line", "circle", "path", "polyline"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def all(self, tag: str = "", cls: str = "") -> list["Element"]:
        """Every element below this one with the tag and the class."""
        return [
            element
            for element in self.walk()
            if (not tag or element.tag == tag) and (not cls or cls in element.classes)
        ]

    def one(self, tag: str = "", cls: str = "") -> "Element":
        """The only such element."""
        (found,) = self.all(tag, cls)
        return found

    def by_id(self, name: str) -> "Element":
        (found,) = [element for element in self.walk() if element.attributes.get("id") == name]
        return found

    def walk(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.current = Element("", {})

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self.current)
        self.current.children.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag, attrs):
        assert tag in SELF_CLOSING, tag
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert tag == self.current.tag, f"</{tag}> closes <{self.current.tag}>"
        assert self.current.parent is not None
        self.current = self.current.parent

    def handle_data(self, data):
        self.current.children.append(data)


def read(page: str) -> Element:
    """Parse a page, insisting that every element is closed where it should be."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.current is reader.root, f"<{reader.current.tag}> is never closed"
    return reader.root


def structure(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes, in the order of the page."""
    return [(element.tag, tuple(element.attributes)) for element in read(page).walk()]
