# The builds of the kernels for newer instruction sets share no code with the rest of the library.
# SPDX-License-Identifier: Apache-2.0
"""
The linker keeps one copy of a weak function that several objects define. If a kernel object for AVX-512 defines one
that baseline code calls too, that copy may have instructions that the processor lacks. So a weak function that such an
object shares must be the same machine code everywhere. Weak data may be shared where it holds no address of code: the
strings and caches by which Swift finds a type.
"""

import re
import shlex

from support import ROOT, Failure, run

# The objects that the library was linked from, as the build wrote them down for the linker.
OBJECTS = ROOT / ".build/lib/release/vecstore.product/Objects.LinkFileList"
# VecKernelsBaseline is for every processor; the others are named after what they need.
NEWER = re.compile(r"VecKernels[A-Z0-9]+")
TYPE_LOOKUP = re.compile(r"symbolic |got\.|__swift_reflection_version$|\$s.*(MD|MXM)$")


def module_of(path):
    return re.search(r"(\w+)\.build/", str(path)).group(1)


def weak_symbols():
    """For each weak symbol, the objects that define it and whether it is a function (else data)."""
    if not OBJECTS.exists():
        raise Failure(f"there is no {OBJECTS.relative_to(ROOT)}: run make clean all")
    objects = shlex.split(OBJECTS.read_text(encoding="utf-8"))
    symbols = {}
    listing = run("nm", "-A", "--defined-only", *objects)
    for path, kind, name in re.findall(r"^(.+?):[0-9a-f]+ ([WVu]) (.+)$", listing, re.MULTILINE):
        symbols.setdefault(name, (kind == "W", []))[1].append(path)
    return symbols


def machine_code(path, name):
    """The bytes of a function and what its relocations point to, each relative to its start."""
    text = run("objdump", "-dr", f"--disassemble={name}", path)
    rows = re.findall(r"^ *([0-9a-f]+):\t([0-9a-f ]+?) *(?:\t.*)?$", text, re.MULTILINE)
    start = int(rows[0][0], 16)
    code = bytes.fromhex("".join(row[1] for row in rows))
    relocations = [
        (int(at, 16) - start, what, target)
        for at, what, target in re.findall(r"^\s+([0-9a-f]+): (R_\S+)\s+(.*)$", text, re.MULTILINE)
    ]
    return code, tuple(sorted(row for row in relocations if 0 <= row[0] < len(code)))


def no_newer_instruction_set_shares_code(_):
    offenders = []
    for name, (is_function, paths) in sorted(weak_symbols().items()):
        modules = sorted({module_of(path) for path in paths})
        if len(modules) == 1 or not any(NEWER.fullmatch(module) for module in modules):
            continue
        if is_function:
            harmless = len({machine_code(path, name) for path in paths}) == 1
        else:
            harmless = TYPE_LOOKUP.match(name)
        if not harmless:
            offenders.append(f"{name} in {', '.join(modules)}")
    if offenders:
        raise Failure("\n".join(offenders))


CHECKS = [no_newer_instruction_set_shares_code]
