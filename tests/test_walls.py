"""The walls of the house: who may import whom, and the few rules of style that a linter does not know.

Every rule is a function from a parsed module to its faults, and is first shown to bite on a snippet that breaks it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*(ROOT / "cxr").rglob("*.py"), *(ROOT / name for name in ("app.py", "train.py"))])
SOURCES = [path for path in MODULES if path.is_file()]

PURE = (
    "labels",
    "findings",
    "results",
    "prompts",
    "statements",
    "settings",
    "serial",
)  # each may import those to its left
CHECKS = {"level", "guidance", "meaning", "priors", "sides", "checks"}
BELOW_READER = {*PURE, *CHECKS, "questions", "plain", "films", "model", "probes"}
# Part of the house -> the parts it may import; a part may always import itself.
LOCAL: dict[str, set[str]] = {
    **{name: set(PURE[:place]) for place, name in enumerate(PURE)},
    "level": set(PURE),
    "guidance": set(PURE),
    "meaning": set(PURE),
    "priors": set(),
    "sides": set(PURE),
    "checks": {*PURE, "priors", "sides"},
    "probes": {*PURE, "films", "model", "sides"},
    "questions": set(PURE),
    "plain": {*PURE, "questions"},
    "films": set(PURE),
    "model": {*PURE, "meaning", "films"},
    "answering": BELOW_READER,
    "reader": {*BELOW_READER, "answering"},
    "second_look": {*BELOW_READER, "reader"},
    "turns": set(),
    "many": {*BELOW_READER, "reader"},
    "sharing": {*BELOW_READER, "reader", "second_look", "many", "turns"},
    "batch": {*BELOW_READER, "reader", "many"},
    "__main__": {*BELOW_READER, "reader", "second_look", "batch"},
    "evaluation": {*BELOW_READER, "reader", "second_look", "many", "batch", "turns", "sharing"},
    "training": {*BELOW_READER, "reader", "many", "evaluation"},
    "space": {*BELOW_READER, "reader", "sharing"},
    "app": {*BELOW_READER, "reader", "turns", "space"},
    "train": {*BELOW_READER, "reader", "evaluation", "training"},
}
# Part -> the third parties it may import; a part that is not named here may import all but FORBIDDEN.
THIRD_PARTY: dict[str, set[str]] = {
    **{
        name: {"numpy"}
        for name in (*PURE, *CHECKS, "questions", "plain", "probes", "answering", "reader", "second_look", "__main__")
    },
    "films": {"numpy", "PIL", "pydicom", "gdcm"},
    "batch": {"numpy", "torch"},
    "many": {"numpy"},
    "sharing": {"numpy"},
    "model": {"numpy", "PIL", "torch", "transformers", "peft", "safetensors", "tokenizers", "huggingface_hub"},
}
THIRD_PARTY_ALONE = {
    "cxr/films/look.py": {"safetensors"},
    "cxr/model/endpoint.py": {"httpx"},
    "cxr/questions/spelling.py": {"spellchecker"},
}  # what one module may import beside the rest of its part
PAGE, TRAINERS = {"gradio", "gradio_client", "spaces"}, {"trl", "unsloth", "datasets"}
FORBIDDEN: dict[str, set[str]] = {
    "evaluation": PAGE | TRAINERS,
    "training": PAGE,
    "train": PAGE,
    "space": TRAINERS,
    "app": TRAINERS,
}
NO_GRADIO = {"cxr/space/views.py", "cxr/space/examples.py"}  # results become values without the page's library


def part_of(path: str) -> str:
    """The part of the house that a file (relative to the root) belongs to."""
    pieces = Path(path).with_suffix("").parts
    return pieces[1] if pieces[0] == "cxr" and len(pieces) > 1 else pieces[0]


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Every module imported anywhere in a module, inside functions too, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == "cxr" else [base]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def find_wrong_imports(tree: ast.Module, path: str) -> list[str]:
    """Imports that a wall forbids."""
    part, faults = part_of(path), []
    for name in imported_names(tree):
        top, _, rest = name.partition(".")
        if not top:
            faults.append(f"{name}: relative imports hide the walls")
        elif top in ("cxr", "app", "train", "tests"):
            target = rest.partition(".")[0] if top == "cxr" else top
            if target and target != part and target not in LOCAL.get(part, set()):
                faults.append(f"{part} must not import {name}")
        elif top not in sys.stdlib_module_names:
            banned = FORBIDDEN.get(part, set()) | (PAGE if path in NO_GRADIO else set())
            allowed = THIRD_PARTY.get(part, {top}) | THIRD_PARTY_ALONE.get(path, set())
            if top in banned or top not in allowed:
                faults.append(f"{part} must not import {name}")
    return faults


def find_unannotated(tree: ast.Module, path: str) -> list[str]:
    """Functions with an argument or a result without a type."""
    return [
        f"{node.name} is not fully annotated"
        for node in functions(tree)
        if node.returns is None or any(argument.annotation is None for argument in arguments(node))
    ]


def find_long(tree: ast.Module, path: str) -> list[str]:
    """Functions above 60 lines, and the module above 250."""
    long = [f"{node.name}: {count_lines(node)} lines" for node in functions(tree) if count_lines(node) > 60]
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    return [*long, *([f"module: {last} lines"] if last > 250 else [])]


def count_lines(node: ast.stmt) -> int:
    """From the first to the last line of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def find_forbidden_forms(tree: ast.Module, path: str) -> list[str]:
    """print, hasattr, bare except, global."""
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "hasattr"):
            if not (node.func.id == "print" and path.endswith("__main__.py")):
                faults.append(f"line {node.lineno}: {node.func.id}")
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            faults.append(f"line {node.lineno}: bare except")
        elif isinstance(node, ast.Global):
            faults.append(f"line {node.lineno}: global")
    return faults


FLIPS = {"mirror", "fliplr", "hflip", "horizontal_flip", "RandomHorizontalFlip", "HorizontalFlip", "FLIP_LEFT_RIGHT"}


def find_flips(tree: ast.Module, path: str) -> list[str]:
    """Horizontal flips, which would move the heart to the other side; only looked for where films are trained on."""
    if part_of(path) != "training":
        return []
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {*FLIPS, "flip"}:
            faults.append(f"line {node.lineno}: {node.attr}")
        elif isinstance(node, ast.Name) and node.id in FLIPS:
            faults.append(f"line {node.lineno}: {node.id}")
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            steps = [item.step for item in node.slice.elts[1:] if isinstance(item, ast.Slice) and item.step]
            faults += [f"line {node.lineno}: reversed columns" for step in steps if ast.unparse(step) == "-1"]
    return faults


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """The arguments that need a type."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    return [argument for argument in given if argument and argument.arg not in ("self", "cls")]


RULES = [find_wrong_imports, find_unannotated, find_long, find_forbidden_forms, find_flips]
BAD: list[tuple[Callable[[ast.Module, str], list[str]], str, str]] = [
    (find_wrong_imports, "cxr/prompts.py", "import torch"),
    (find_wrong_imports, "cxr/findings.py", "from cxr.results import Score"),
    (find_wrong_imports, "cxr/prompts.py", "from cxr import settings"),
    (find_wrong_imports, "cxr/films/open.py", "def read() -> None:\n    import torch"),
    (find_wrong_imports, "cxr/films/open.py", "from cxr.model.engine import Engine"),
    (find_wrong_imports, "cxr/model/engine.py", "import gradio as gr"),
    (find_wrong_imports, "cxr/model/engine.py", "from cxr.reader import Reader"),
    (find_wrong_imports, "cxr/model/remote.py", "import httpx"),
    (find_wrong_imports, "cxr/reader.py", "import importlib\nimportlib.import_module('gradio')"),
    (find_wrong_imports, "cxr/evaluation/text.py", "from cxr.training.records import Row"),
    (find_wrong_imports, "cxr/evaluation/text.py", "import gradio"),
    (find_wrong_imports, "cxr/training/collator.py", "import spaces"),
    (find_wrong_imports, "cxr/training/collator.py", "from cxr.space.page import build_page"),
    (find_wrong_imports, "cxr/space/page.py", "from trl import SFTConfig"),
    (find_wrong_imports, "cxr/space/page.py", "from cxr.evaluation.text import score"),
    (find_wrong_imports, "cxr/space/views.py", "import gradio"),
    (find_wrong_imports, "app.py", "import unsloth"),
    (find_wrong_imports, "train.py", "import gradio"),
    (find_wrong_imports, "cxr/reader.py", "from .films import open"),
    (find_wrong_imports, "cxr/reader.py", "from tests.tiny import noise_film"),
    (find_unannotated, "cxr/reader.py", "def f(x) -> None: ..."),
    (find_unannotated, "cxr/reader.py", "def f(*x) -> None: ..."),
    (find_unannotated, "cxr/reader.py", "class A:\n    async def f(self): ..."),
    (find_long, "cxr/reader.py", "def f() -> None:\n" + "    x = 1\n" * 60),
    (find_long, "cxr/reader.py", "x = 1\n" * 251),
    (find_forbidden_forms, "cxr/reader.py", "print(1)"),
    (find_forbidden_forms, "cxr/reader.py", "hasattr(1, 'a')"),
    (find_forbidden_forms, "cxr/reader.py", "try: ...\nexcept: ..."),
    (find_forbidden_forms, "cxr/reader.py", "def f() -> None:\n    global x"),
    (find_flips, "cxr/training/collator.py", "image = ImageOps.mirror(image)"),
    (find_flips, "cxr/training/collator.py", "pixels = np.fliplr(pixels)"),
    (find_flips, "cxr/training/embedded/data.py", "pixels = pixels[:, ::-1]"),
    (find_flips, "cxr/training/collator.py", "pixels = torch.flip(pixels, [-1])"),
    (find_flips, "cxr/training/collator.py", "v2.RandomHorizontalFlip()"),
    (find_flips, "cxr/training/collator.py", "image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)"),
]
GOOD = """
from cxr.films.film import Film
import numpy as np
def read(self, film: Film, *rest: int, **more: str) -> list[int]:
    return list(rest)[::-1]
"""


@pytest.mark.parametrize(("rule", "path", "code"), BAD)
def test_the_rule_bites(rule: Callable[[ast.Module, str], list[str]], path: str, code: str) -> None:
    assert rule(ast.parse(code), path)


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_lets_good_code_pass(rule: Callable[[ast.Module, str], list[str]]) -> None:
    assert rule(ast.parse(GOOD), "cxr/training/records.py") == []


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in SOURCES])
def test_the_house_keeps_its_walls(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert [fault for rule in RULES for fault in rule(tree, path)] == []


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [path.name for path in SOURCES if path.stem in ("utils", "util", "helpers", "misc", "common")] == []


def list_loaded(module: str, *libraries: str) -> list[str]:
    """Which of these libraries a fresh Python has loaded after importing a module."""
    code = f"import sys, {module}; sys.stdout.write(' '.join(name for name in {libraries} if name in sys.modules))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()


def test_a_loaded_library_is_noticed() -> None:
    assert list_loaded("cxr.films.film", "PIL", "gradio") == ["PIL"]


@pytest.mark.parametrize("part", PURE)
def test_the_pure_ones_load_no_library(part: str) -> None:
    assert list_loaded(f"cxr.{part}", "torch", "transformers", "gradio", "PIL", "pydicom") == []


@pytest.mark.parametrize("module", ["cxr.films.open", "cxr.films.phantom", "cxr.space.examples"])
def test_films_load_no_model_and_no_page(module: str) -> None:
    assert list_loaded(module, "torch", "transformers", "gradio") == []


# --- what is tracked ------------------------------------------------------------------------------------------------

# A path of somebody's machine: nothing that a reader of this repository has.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/\w")
LARGEST = 10 << 20  # bytes; what the Hub and git take without LFS


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_machine_paths_are_recognised() -> None:
    assert MACHINE_PATH.search("see /" + "work/main") and MACHINE_PATH.search("'/" + "home/me/films'")
    assert not MACHINE_PATH.search("https://example.org/home/page ../work/x")


def test_no_tracked_file_names_a_machines_path() -> None:
    texts = {path: path.read_bytes() for path in tracked_files()}
    named = [
        path.name
        for path, data in texts.items()
        if b"\0" not in data and MACHINE_PATH.search(data.decode("utf-8", "replace"))
    ]
    assert named == []


def test_no_tracked_file_is_large() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > LARGEST] == []


def test_no_film_but_drawn_ones_is_tracked() -> None:
    films = {".dcm", ".dicom", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"}
    pictures = [path.relative_to(ROOT) for path in tracked_files() if path.suffix.lower() in {*films, ".png"}]
    homes = {"examples", "docs"}
    assert [str(path) for path in pictures if path.parts[0] not in homes] == []
