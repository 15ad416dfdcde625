# The package as a whole: the wheel, the library it carries, the type hints, the docstrings.
# SPDX-License-Identifier: Apache-2.0
import ctypes
import doctest
import importlib
import inspect
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import vecstore
from vecstore import _ffi

PROJECT = pathlib.Path(__file__).resolve().parents[1]
MODULES = (
    "",
    "._arrays",
    "._ffi",
    ".async_cache",
    ".caches",
    ".collection",
    ".embeddings",
    ".errors",
    ".filters",
    ".functions",
    ".index",
    ".payload_filters",
    ".points",
    ".semantic_cache",
    ".values",
)


def run(*command, env=None, cwd=None):
    return subprocess.run(
        [str(part) for part in command], env=env, cwd=cwd, capture_output=True, text=True, timeout=300
    )


def source_tree(root, with_library):
    """A source tree with nothing but this package and, if asked for, the library that is loaded here."""
    project = root / "bindings" / "python"
    # The licence files are links to those of the repository; the copy has their text.
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("tests", "__pycache__", ".*_cache"))
    if with_library:
        (root / "build").mkdir()
        shutil.copy(_ffi._lib._name, root / "build" / _ffi.LIBRARY_NAME)
    return project


def build_wheel(project, target):
    return run(
        sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", target, project
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    project = source_tree(root, with_library=True)
    before = sorted(project.rglob("*"))
    built = build_wheel(project, root / "wheels")
    assert built.returncode == 0, built.stdout + built.stderr
    assert sorted(project.rglob("*")) == before, "building leaves nothing in the source tree"
    (path,) = (root / "wheels").iterdir()
    return path


def test_the_wheel_is_for_this_platform_and_every_python_3(wheel):
    machine = os.uname().machine
    assert wheel.name == f"vecstore-{vecstore.__version__}-py3-none-linux_{machine}.whl"


def test_the_wheel_carries_the_library_the_hints_and_the_modules(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {f"vecstore/{path.name}" for path in (PROJECT / "vecstore").iterdir() if path.suffix == ".py"}
    inside = {name for name in names if name.startswith("vecstore/")}
    assert inside == own | {"vecstore/libvecstore.so.0", "vecstore/py.typed"}
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"vecstore-{vecstore.__version__}.dist-info/METADATA").decode()
        flags = archive.read(f"vecstore-{vecstore.__version__}.dist-info/WHEEL").decode()
    assert "Requires-Dist: numpy" in metadata
    assert {f"vecstore-{vecstore.__version__}.dist-info/licenses/{name}" for name in ("LICENSE", "NOTICE")} <= names
    assert "Root-Is-Purelib: false" in flags


INSTALLED = """
import os, sys
import vecstore
index = vecstore.Index("flat", dim=2)
index.add([[0, 0], [3, 4]])
ids, distances = index.search([3, 3], k=2)
print(ids.tolist(), distances.tolist())
maps = {line.split()[-1] for line in open("/proc/self/maps") if "libvecstore" in line}
print(os.path.realpath(vecstore.__file__))
print(*maps)
"""


def test_the_installed_wheel_works_from_anywhere_without_any_variable(wheel, tmp_path):
    venv = tmp_path / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", venv)
    assert made.returncode == 0, made.stderr
    python = venv / "bin" / "python"
    installed = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    (packages,) = (venv / "lib").glob("python*/site-packages")
    (packages / "numpy.pth").write_text(f"{pathlib.Path(np.__file__).parents[1]}\n")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    used = run(python, "-I", "-c", INSTALLED, env={}, cwd=elsewhere)
    assert used.returncode == 0, used.stderr
    answer, module, library = used.stdout.splitlines()
    assert answer == "[[1, 0]] [[1.0, 18.0]]"
    assert module == str(packages / "vecstore" / "__init__.py")
    assert library == str(packages / "vecstore" / "libvecstore.so.0")


def test_building_without_the_library_says_to_run_make_first(tmp_path):
    project = source_tree(tmp_path, with_library=False)
    built = build_wheel(project, tmp_path / "wheels")
    assert built.returncode != 0
    assert "the C library is not built" in built.stdout + built.stderr
    assert "run `make` in the source tree first" in built.stdout + built.stderr


def test_importing_without_the_library_is_one_clear_sentence(tmp_path):
    project = source_tree(tmp_path, with_library=False)
    imported = run(
        sys.executable, "-c", "import vecstore", env={**os.environ, "PYTHONPATH": str(project)}, cwd=tmp_path
    )
    last = imported.stderr.splitlines()[-1]
    assert last.startswith("ImportError: vecstore: its C library is not at ")
    assert str(project / "vecstore" / "libvecstore.so.0") in last
    assert str(tmp_path / "build" / "libvecstore.so.0") in last
    assert "run `make`" in last


def test_an_installed_package_looks_beside_itself_only():
    packages = pathlib.Path("/usr/lib/python3/site-packages/vecstore")
    assert _ffi.library_candidates(packages) == [packages / "libvecstore.so.0"]


def test_a_file_that_is_no_library_is_an_import_error(tmp_path):
    fake = tmp_path / "libvecstore.so.0"
    fake.write_text("not a library")
    with pytest.raises(ImportError, match=f"{re.escape(str(fake))} cannot be loaded"):
        _ffi.load_library([fake])


def test_a_library_of_another_kind_is_an_import_error():
    ctypes.CDLL("libm.so.6")
    maps = pathlib.Path("/proc/self/maps").read_text().splitlines()
    (other,) = {line.split()[-1] for line in maps if line.endswith("/libm.so.6")}
    with pytest.raises(ImportError, match="lacks a function"):
        _ffi.load_library([pathlib.Path(other)])


def test_a_missing_blas_names_the_package_to_install():
    reason = "libblas.so.3: cannot open shared object file: No such file or directory"
    sentence = _ffi.load_failure(pathlib.Path("/x/libvecstore.so.0"), reason)
    assert sentence == (
        "vecstore: /x/libvecstore.so.0 needs libblas.so.3, which is not installed; "
        "run `apt-get install libopenblas0-pthread`."
    )


def test_only_modules_named_so_touch_ctypes():
    for path in (PROJECT / "vecstore").glob("*.py"):
        assert ("ctypes" in path.read_text()) == path.name.startswith("_ffi"), path.name


def test_the_type_hints_are_strict():
    pytest.importorskip("mypy")
    checked = run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "vecstore", cwd=PROJECT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_are_true(name):
    module = importlib.import_module("vecstore" + name)
    assert doctest.testmod(module).failed == 0


def public_callables():
    for name in vecstore.__all__:
        value = getattr(vecstore, name)
        if inspect.isfunction(value):
            yield name, value
    classes = (vecstore.Index, vecstore.Filter, vecstore.RangeResult)
    caches = (vecstore.SemanticCache, vecstore.AsyncSemanticCache, vecstore.ValueCache, vecstore.VectorCache)
    classes = (*classes, vecstore.RateLimiter)
    for cls in (*classes, *caches, vecstore.Collection, vecstore.Field, vecstore.Condition):
        for name, value in inspect.getmembers(cls, callable):
            if not name.startswith("_") and name in vars(cls):
                yield f"{cls.__name__}.{name}", value


@pytest.mark.parametrize("name, value", [pytest.param(*pair, id=pair[0]) for pair in public_callables()])
def test_every_docstring_names_every_parameter(name, value):
    text = inspect.getdoc(value)
    assert text
    for parameter in inspect.signature(value).parameters:
        if parameter not in ("self", "cls"):
            assert re.search(rf"\b{parameter}\b", text), f"{name} does not document {parameter}"


def test_all_public_names_exist_and_are_sorted():
    assert all(hasattr(vecstore, name) for name in vecstore.__all__)
    assert len(set(vecstore.__all__)) == len(vecstore.__all__)


def test_the_readme_example_runs(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    ran = run(sys.executable, "-c", example, env={**os.environ, "PYTHONPATH": str(PROJECT)}, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert re.match(r"10000 \[ *7 ", ran.stdout)


def test_the_examples_of_the_guide_run(tmp_path, repository):
    blocks = re.findall(r"```python\n(.*?)```", (repository / "docs" / "python-api.md").read_text(), re.DOTALL)
    assert len(blocks) > 10
    ran = run(sys.executable, "-c", "\n".join(blocks), env={**os.environ, "PYTHONPATH": str(PROJECT)}, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
