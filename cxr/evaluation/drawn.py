"""The command of a table that drawn films alone can give. Knows nothing about what is measured."""

import argparse
import sys
from collections.abc import Callable, Sequence

from cxr.evaluation.films import Case, draw_cases
from cxr.reader import Reader, load_reader
from cxr.settings import Settings


def print_table(
    name: str, about: str, write_table: Callable[[Reader, Sequence[Case]], str], arguments: Sequence[str] | None
) -> None:
    """Print the table of the model that the settings name. `name`: of the module; `about`: its docstring."""
    parser = argparse.ArgumentParser(prog=f"python -m cxr.evaluation.{name}", description=about.partition("\n")[0])
    parser.add_argument("--drawn", type=int, default=200, help="how many drawn films")
    cases = list(draw_cases(parser.parse_args(arguments).drawn))
    sys.stdout.write(write_table(load_reader(Settings.from_env(), anyway=True), cases) + "\n")
