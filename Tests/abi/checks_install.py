# What `make install` installs can be used through pkg-config and through CMake, and `make uninstall` removes all of it.
# SPDX-License-Identifier: Apache-2.0
import os

from support import CONSUMER, ROOT, Failure, expect_same, header_version, run

VERSION = ".".join(str(part) for part in header_version())
INSTALLED = [
    "include/libvecstore.h",
    "lib/cmake/vecstore/vecstoreConfig.cmake",
    "lib/cmake/vecstore/vecstoreConfigVersion.cmake",
    "lib/libvecstore.so",
    f"lib/libvecstore.so.{VERSION.split('.')[0]}",
    f"lib/libvecstore.so.{VERSION}",
    "lib/pkgconfig/vecstore.pc",
]


def make(target, destdir, **variables):
    variables = {"DESTDIR": destdir, **variables}
    run("make", "-C", ROOT, target, *[f"{name}={value}" for name, value in variables.items()], env=without_make())


def without_make():
    """The environment without what an outer make hands down: its variables would win over these."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}


def files_in(directory):
    return [str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_symlink() or path.is_file()]


def install_puts_every_file_in_its_place(directory):
    make("install", directory, PREFIX="/usr")
    expect_same("the installation", files_in(directory / "usr"), "what it should have", INSTALLED)


def install_follows_LIBDIR_and_INCLUDEDIR(directory):
    architecture = run("gcc", "-print-multiarch").strip()
    make("install", directory, PREFIX="/usr", LIBDIR=f"/usr/lib/{architecture}", INCLUDEDIR="/usr/include/here")
    moved = [
        name.replace("lib/", f"lib/{architecture}/", 1).replace("include/", "include/here/", 1) for name in INSTALLED
    ]
    expect_same("the installation", files_in(directory / "usr"), "what it should have", moved)
    build_with_cmake(directory / "usr", directory / "build")


def uninstall_leaves_only_what_was_there(directory):
    other = directory / "usr/lib/cmake/vecstore/other.cmake"
    other.parent.mkdir(parents=True)
    other.touch()
    make("install", directory, PREFIX="/usr")
    make("uninstall", directory, PREFIX="/usr")
    expect_same("the installation", files_in(directory), "what was there", ["usr/lib/cmake/vecstore/other.cmake"])


def uninstall_removes_its_own_directory(directory):
    make("install", directory, PREFIX="/usr")
    make("uninstall", directory, PREFIX="/usr")
    if (directory / "usr/lib/cmake/vecstore").exists():
        raise Failure("usr/lib/cmake/vecstore is still there")


def program_builds_through_pkg_config(directory):
    """Installed in a staging directory, which pkg-config takes for the root of the system."""
    make("install", directory, PREFIX="/usr/local")
    environment = {
        **os.environ,
        "PKG_CONFIG_SYSROOT_DIR": str(directory),
        "PKG_CONFIG_PATH": str(directory / "usr/local/lib/pkgconfig"),
    }
    version = run("pkg-config", "--modversion", "vecstore", env=environment).strip()
    expect_same("vecstore.pc", [version], "the header", [VERSION])
    flags = run("pkg-config", "--cflags", "--libs", "vecstore", env=environment).split()
    program = directory / "consumer"
    run("gcc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", CONSUMER / "main.c", *flags, "-o", program)
    run(program, env={**os.environ, "LD_LIBRARY_PATH": str(directory / "usr/local/lib")})


def pkg_config_paths_follow_the_prefix(directory):
    make("install", directory, PREFIX="/opt/vecstore")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(directory / "opt/vecstore/lib/pkgconfig")}
    moved = run("pkg-config", "--define-variable=prefix=/moved", "--cflags", "--libs", "vecstore", env=environment)
    expect_same("the flags", moved.split(), "what they should be", ["-I/moved/include", "-L/moved/lib", "-lvecstore"])


def program_builds_through_CMake(directory):
    make("install", directory, PREFIX="/usr/local")
    build_with_cmake(directory / "usr/local", directory / "build", wanted=".".join(VERSION.split(".")[:2]))


def CMake_refuses_a_version_that_is_not_there(directory):
    make("install", directory, PREFIX="/usr/local")
    newer = f"{VERSION.split('.')[0]}.{int(VERSION.split('.')[1]) + 1}"
    try:
        build_with_cmake(directory / "usr/local", directory / "build", wanted=newer)
    except Failure as failure:
        if f"version: {VERSION}" not in str(failure):
            raise
    else:
        raise Failure(f"find_package(vecstore {newer}) found {VERSION}")


def build_with_cmake(prefix, build, wanted=""):
    run("cmake", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DWANTED_VERSION={wanted}")
    run("cmake", "--build", build)
    run(build / "consumer")


CHECKS = [
    install_puts_every_file_in_its_place,
    install_follows_LIBDIR_and_INCLUDEDIR,
    uninstall_leaves_only_what_was_there,
    uninstall_removes_its_own_directory,
    program_builds_through_pkg_config,
    pkg_config_paths_follow_the_prefix,
    program_builds_through_CMake,
    CMake_refuses_a_version_that_is_not_there,
]
