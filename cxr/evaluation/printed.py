"""What a command prints, put where the documentation shows it.

    python -m cxr.evaluation.gate ... | python -m cxr.evaluation.printed docs/quality.md "the gate"

Knows nothing about what is measured.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cxr.results import CxrError


def put_printed(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- printed: name -->` and the next `<!-- end -->` of a Markdown file.

    Raises:
        CxrError: the file has no such place.
    """
    before = path.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- printed: {re.escape(name)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    after, count = place.subn(lambda found: f"{found[1]}\n{text.strip()}\n{found[2]}", before)
    if count != 1:
        raise CxrError(f'{path} has {count} places for what is printed of "{name}", not one.')
    path.write_text(after, encoding="utf-8")


def add_places(parser: argparse.ArgumentParser) -> None:
    """The options of a command that says where else than on the screen its figures go."""
    parser.add_argument("--out", type=Path, help="a file to which the rows are added as they are found")
    parser.add_argument("--doc", type=Path, help="a Markdown file with a place for them, such as docs/performance.md")


@dataclass
class Printer:
    """Says at once what was found, so that a run that is cut short has told what it had.

    `out`: a file to which it is added; `doc`: a Markdown file whose place for `name` holds it, and nothing else.
    """

    name: str
    out: Path | None = None
    doc: Path | None = None
    said: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Say one part of it."""
        self.said.append(text)
        sys.stdout.write(text)
        sys.stdout.flush()
        if self.out:
            with self.out.open("a", encoding="utf-8") as table:
                table.write(text)
        if self.doc:
            put_printed(self.doc, self.name, "".join(self.said))


def main(arguments: Sequence[str] | None = None) -> None:
    """Put there what comes in, its headings below those of the document's sections."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.printed", description=__doc__.partition("\n")[0])
    parser.add_argument("doc", type=Path, help="a Markdown file")
    parser.add_argument("name", help="of a place in it")
    options = parser.parse_args(arguments)
    text = sys.stdin.read()
    if not text.strip():
        raise CxrError("Nothing came in, so nothing is replaced.")
    put_printed(options.doc, options.name, re.sub(r"^(?=#+ )", "#", text, flags=re.MULTILINE))


if __name__ == "__main__":
    main()
