# The header compiles by itself, as C and as C++, without a warning; its version macros agree.
# SPDX-License-Identifier: Apache-2.0
import re
import shutil

from support import HEADER, Failure, header_code, header_version, run

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def compiles(directory, compiler, standard, suffix):
    source = directory / f"alone{suffix}"
    source.write_text('#include "libvecstore.h"\n', encoding="utf-8")
    run(compiler, f"-std={standard}", *STRICT, f"-I{HEADER.parent}", source)


def header_alone_is_C11_for_gcc(directory):
    compiles(directory, "gcc", "c11", ".c")


def header_alone_is_CXX17_for_gcc(directory):
    compiles(directory, "g++", "c++17", ".cpp")


def header_alone_is_C11_for_clang(directory):
    compiles(directory, "clang", "c11", ".c")


def header_alone_is_CXX17_for_clang(directory):
    compiles(directory, "clang++", "c++17", ".cpp")


def every_INIT_macro_fills_its_struct(directory):
    """-Wextra reports an initialiser that leaves fields out, in C and in C++."""
    macros = re.findall(r"#define VECSTORE_(\w+)_INIT\b", header_code())
    if not macros:
        raise Failure("the header has no INIT macro")
    text = '#include "libvecstore.h"\n'
    for macro in macros:
        kind = f"vecstore_{macro.lower()}"
        text += f"uint32_t size_of_{kind}(void);\n"
        text += f"uint32_t size_of_{kind}(void) {{ {kind} value = VECSTORE_{macro}_INIT; return value.struct_size; }}\n"
    for compiler, standard, suffix in (("gcc", "c11", ".c"), ("g++", "c++17", ".cpp")):
        source = directory / f"macros{suffix}"
        source.write_text(text, encoding="utf-8")
        run(compiler, f"-std={standard}", *STRICT, f"-I{HEADER.parent}", source)


def version_string_agrees_with_the_numbers(_):
    numbers = ".".join(str(part) for part in header_version())
    string = re.search(r'VECSTORE_VERSION_STRING "(.*)"', header_code()).group(1)
    if string != numbers:
        raise Failure(f'VECSTORE_VERSION_STRING is "{string}", the other macros say {numbers}')


CHECKS = [header_alone_is_C11_for_gcc, header_alone_is_CXX17_for_gcc]
if shutil.which("clang"):
    CHECKS += [header_alone_is_C11_for_clang, header_alone_is_CXX17_for_clang]
CHECKS += [every_INIT_macro_fills_its_struct, version_string_agrees_with_the_numbers]
