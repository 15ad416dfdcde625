# What the library exports and needs.
# SPDX-License-Identifier: Apache-2.0
import re

from support import LIBRARY, ROOT, expect_same, header_code, header_version, run

EXPORTS = ROOT / "abi/exports.txt"
# What the library declares that it needs: the C and C++ runtimes, BLAS, SQLite, Jansson and hiredis.
NEEDED = {"libblas.so.3", "liblapack.so.3", "libc.so.6", "libgcc_s.so.1", "libhiredis.so.0.14", "libjansson.so.4", "libm.so.6",
          "libsqlite3.so.0", "libstdc++.so.6"}


def listed():
    lines = EXPORTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def declared():
    code = re.sub(r"^#(.*\\\n)*.*$", "", header_code(), flags=re.MULTILINE)
    return re.findall(r"\b(vecstore_\w+)\s*\(", code)


def exported():
    """Names of the functions and data in the dynamic symbol table, without the version nodes themselves."""
    rows = [line.split() for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()]
    return [name.split("@")[0] for _, kind, name in rows if kind != "A"]


def dynamic(tag):
    """The values of one tag of the dynamic section, such as the names of the libraries for NEEDED."""
    return re.findall(rf"\({tag}\).*\[(.*)\]", run("readelf", "-dW", LIBRARY))


def library_exports_what_the_list_says(_):
    expect_same("libvecstore.so", exported(), "abi/exports.txt", listed())


def header_declares_what_the_list_says(_):
    expect_same("libvecstore.h", declared(), "abi/exports.txt", listed())


def library_exports_what_the_header_declares(_):
    expect_same("libvecstore.so", exported(), "libvecstore.h", declared())


def library_needs_only_what_it_declares(_):
    # The dynamic linker itself is named on some architectures, for thread-local storage.
    needed = [name for name in dynamic("NEEDED") if not name.startswith("ld-linux")]
    expect_same("libvecstore.so", needed, "what it may need", NEEDED)


def soname_has_the_major_version(_):
    expect_same("libvecstore.so", dynamic("SONAME"), "the header", [f"libvecstore.so.{header_version()[0]}"])


def library_has_no_search_path(_):
    expect_same("libvecstore.so", dynamic("RPATH") + dynamic("RUNPATH"), "what it may have", [])


CHECKS = [
    library_exports_what_the_list_says,
    header_declares_what_the_list_says,
    library_exports_what_the_header_declares,
    library_needs_only_what_it_declares,
    soname_has_the_major_version,
    library_has_no_search_path,
]
