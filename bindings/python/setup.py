# Adds the built C library to the package, and tags the wheel for this platform and for every Python 3.
# SPDX-License-Identifier: Apache-2.0
import atexit
import pathlib
import shutil
import sys
import tempfile

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

NAME = "libvecstore.so.0"
LIBRARY = pathlib.Path(__file__).resolve().parents[2] / "build" / NAME

if not LIBRARY.is_file():
    sys.exit(f"vecstore: the C library is not built ({LIBRARY} is missing): run `make` in the source tree first.")


class BuildWithLibrary(build_py):
    """Puts the library beside the modules. An editable install goes without: there the build directory is found."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file(str(LIBRARY), str(pathlib.Path(self.build_lib) / "vecstore" / NAME))

    def get_outputs(self, include_bytecode: bool = True) -> list:
        own = [] if self.editable_mode else [str(pathlib.Path(self.build_lib) / "vecstore" / NAME)]
        return super().get_outputs(include_bytecode) + own


class PlatformWheel(bdist_wheel):
    """The library depends on the platform; the modules, which call it through ctypes, on no version of CPython."""

    def get_tag(self) -> tuple:
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


# Every build starts empty and leaves nothing in the source tree.
scratch = tempfile.mkdtemp(prefix="vecstore-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)

setup(
    distclass=BinaryDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
    options={"build": {"build_base": scratch}, "egg_info": {"egg_base": scratch}},
)
