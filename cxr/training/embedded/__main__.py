"""python -m cxr.training.embedded: make the model that ships with the code.

python -m cxr.training.embedded --films FOLDER --out cxr/model/embedded --device cuda --workers 14
"""

import argparse
import logging
from dataclasses import fields

from cxr.training.embedded.build import Size
from cxr.training.embedded.material import Options
from cxr.training.embedded.recipe import make_embedded


def main() -> None:
    """Read the options and run the recipe."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr.training.embedded", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for field in fields(Options):
        name = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            parser.add_argument(name, action="store_true")
        elif field.name in ("films", "out"):
            parser.add_argument(name, type=field.type, required=True)
        else:
            parser.add_argument(name, type=field.type, default=field.default)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    make_embedded(Options(**vars(parser.parse_args())), Size())


if __name__ == "__main__":
    main()
