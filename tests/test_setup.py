"""What is installed where: pins, and that no CUDA package can come where there is no GPU."""

import ast
import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_walls import SOURCES, imported_names, part_of

ROOT = Path(__file__).resolve().parents[1]
LISTS = ["requirements.txt", "requirements-dev.txt", "requirements-train.txt"]
CPU_TORCH = "torch==2.13.0+cpu"

# Stands for a Python with pip: writes down what is asked of it, with the files it is given, and refuses as told.
FAKE_PYTHON = """#!/bin/sh
echo "CALL $*" >>"$LOG"
for word in "$@"; do file=${word#--requirement=}; if [ -f "$file" ]; then cat "$file" >>"$LOG"; fi; done
case "$*" in *--index-url*torch==*) exit $CPU_INDEX_FAILS;; *--constraint*) exit 0;; *torch==*) exit $INDEX_FAILS;; esac
"""


def lines(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_and_says_why_it_is_there(name: str) -> None:
    for line in lines(name):
        package, _, reason = line.partition("#")
        requirement = Requirement(package.strip())
        assert reason.strip(), line
        assert requirement.name == "torch" or re.fullmatch(r"==[\d.]+", str(requirement.specifier)), line


def list_imports(path: Path) -> set[str]:
    """The top-level names of all that a module imports from elsewhere, inside functions too."""
    found = {name.partition(".")[0] for name in imported_names(ast.parse(path.read_text(encoding="utf-8")))}
    return found - sys.stdlib_module_names - {"cxr", "app", "train", "tests"}


def list_packages(*names: str) -> set[str]:
    """The canonical names of what these lists hold."""
    return {
        canonicalize_name(Requirement(line.partition("#")[0].strip()).name) for name in names for line in lines(name)
    }


PROVIDERS = packages_distributions()  # of what is not installed here, a package is called as it is imported
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_that_is_imported_is_listed(path: Path) -> None:
    """Not only brought along by another package, whose next version may leave it out."""
    runs_on_space = path in SOURCES and part_of(str(path.relative_to(ROOT))) not in ("training", "evaluation", "train")
    listed = list_packages(*(["requirements.txt"] if runs_on_space else LISTS))
    for name in list_imports(path):
        assert {canonicalize_name(each) for each in PROVIDERS.get(name, [name])} & listed, name


def test_an_import_that_is_not_listed_is_seen(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("import os\nimport regex\ndef f():\n    from idna.core import encode\n")
    assert list_imports(tmp_path / "module.py") == {"regex", "idna"}
    assert not {"regex", "idna"} & list_packages(*LISTS)


@pytest.mark.parametrize("name", LISTS[:2])
def test_what_is_listed_is_what_is_installed(name: str) -> None:
    for line in lines(name):
        requirement = Requirement(line.partition("#")[0].strip())
        with suppress(PackageNotFoundError):  # bitsandbytes needs a GPU
            assert requirement.specifier.contains(version(requirement.name), prereleases=True), line


def test_torch_leaves_room_for_zerogpu_and_for_the_cpu_build() -> None:
    torch = next(
        Requirement(line.partition("#")[0].strip()) for line in lines("requirements.txt") if line.startswith("torch")
    )
    assert all(version in torch.specifier for version in ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.13.0+cpu"))


def test_the_space_installs_no_trainer() -> None:
    names = {Requirement(line.partition("#")[0].strip()).name for line in lines("requirements.txt")}
    assert not names & {"trl", "unsloth", "datasets", "torchvision"}


def install(folder: Path, gpu: bool, index_fails: bool = False, cpu_index_fails: bool = False) -> tuple[int, str, str]:
    """Run .ci/install with stand-ins: its exit code, what pip was asked, and what was said."""
    for name, text in (("python", FAKE_PYTHON), ("nvidia-smi", f"#!/bin/sh\nexit {0 if gpu else 1}\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    log = folder / "log"
    log.touch()
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LOG": str(log),
        "INDEX_FAILS": str(int(index_fails)),
        "CPU_INDEX_FAILS": str(int(cpu_index_fails)),
    }
    done = subprocess.run(
        [ROOT / ".ci" / "install", folder / "python", "requirements.txt"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, log.read_text(), done.stderr


def test_without_a_gpu_the_cpu_build_comes_first_and_stays(tmp_path: Path) -> None:
    code, asked, _ = install(tmp_path, gpu=False)
    first, second = [call for call in asked.split("CALL ") if call]
    assert code == 0 and CPU_TORCH in first and "index-url" not in first
    assert "--constraint" in second and CPU_TORCH in second and "bitsandbytes==" not in second
    assert all(line in second for line in lines("requirements.txt") if not line.startswith("bitsandbytes"))


def test_without_a_cpu_build_in_the_index_pytorchs_own_is_asked(tmp_path: Path) -> None:
    code, asked, said = install(tmp_path, gpu=False, index_fails=True)
    assert code == 0 and "CPU index" in said
    assert re.search(rf"--index-url https://download\.pytorch\.org/whl/cpu {re.escape(CPU_TORCH)}", asked)


def test_without_any_cpu_build_it_stops_with_a_sentence(tmp_path: Path) -> None:
    code, asked, said = install(tmp_path, gpu=False, index_fails=True, cpu_index_fails=True)
    assert code == 1 and "Stopped: no CPU build of torch was found" in said
    assert asked.count("CALL") == 2 and "requirement" not in asked


def test_with_a_gpu_everything_is_installed_as_the_space_does(tmp_path: Path) -> None:
    code, asked, _ = install(tmp_path, gpu=True)
    assert code == 0 and asked.count("CALL") == 1 and "+cpu" not in asked and "bitsandbytes==" in asked


@pytest.mark.parametrize("host", ["192.0.2.1", "huggingface.co"])
def test_tests_run_offline(host: str) -> None:
    with socket.socket() as line, pytest.raises(ConnectionRefusedError, match="tests run offline"):
        line.connect((host, 80))
