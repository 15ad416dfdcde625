# The declarations of _ffi.py against the header, both ways.
# SPDX-License-Identifier: Apache-2.0
import ctypes
import re

import pytest

import vecstore
from vecstore import _ffi, errors

SCALARS = {
    "bool": ctypes.c_bool,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "void": None,
}


CALLBACKS = {
    "vecstore_filter_callback": _ffi.FilterCallback,
    "vecstore_progress_callback": _ffi.ProgressCallback,
    "vecstore_log_callback": _ffi.LogCallback,
}


@pytest.fixture(scope="module")
def header(request):
    path = request.path.parents[3] / "include" / "libvecstore.h"
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def scalars(header):
    """The C names of numbers, typedefs included, with their ctypes types."""
    named = re.findall(r"typedef (\w+) (vecstore_\w+);", header)
    return {**SCALARS, **{name: SCALARS[base] for base, name in named}}


@pytest.fixture(scope="module")
def functions(header):
    """name: (C type of the result, C types of the arguments)"""
    found = {}
    for result, name, arguments in re.findall(r"VECSTORE_API ([\w ]+?\*?)\s*\b(vecstore_\w+)\(([^)]*)\);", header):
        declared = [] if arguments == "void" else [" ".join(argument.split()) for argument in arguments.split(",")]
        found[name] = (result.strip(), [re.sub(r"\w+$", "", argument).strip() for argument in declared])
    return found


def constants(header, prefix):
    return {name: int(value) for name, value in re.findall(rf"\b{prefix}(\w+) = (\d+)", header)}


def is_same(c_type, python_type, scalars):
    """Whether a ctypes type stands for a C type. Pointers to elements are passed as addresses, so void * will do."""
    if c_type in CALLBACKS:
        return python_type is CALLBACKS[c_type]
    if not c_type.endswith("*"):
        return python_type is scalars[c_type]
    target = c_type[:-1].replace("const", "").strip()
    if target == "char":
        return python_type is ctypes.c_char_p
    if target == "char *":
        return python_type is ctypes.POINTER(ctypes.c_char_p)
    if target in _ffi.STRUCTS:
        return python_type is ctypes.POINTER(_ffi.STRUCTS[target])
    if python_type is ctypes.c_void_p:
        return not target.endswith("*")
    if target.endswith("*"):
        return python_type is ctypes.POINTER(ctypes.c_void_p)
    return python_type is ctypes.POINTER(scalars[target])


def test_every_function_is_declared_and_no_other(functions):
    assert len(functions) > 30
    assert set(_ffi.SIGNATURES) == set(functions)


def test_arguments_and_results_have_the_types_of_the_header(functions, scalars):
    for name, (result, arguments) in functions.items():
        declared_result, declared_arguments = _ffi.SIGNATURES[name]
        assert is_same(result, declared_result, scalars), name
        assert len(declared_arguments) == len(arguments), name
        for c_type, python_type in zip(arguments, declared_arguments):
            assert is_same(c_type, python_type, scalars), (name, c_type, python_type)


def test_the_loaded_functions_carry_these_declarations():
    for name, (result, arguments) in _ffi.SIGNATURES.items():
        function = getattr(_ffi._lib, name)
        assert function.restype is result
        assert tuple(function.argtypes) == tuple(arguments)


def test_every_struct_has_the_fields_of_the_header(header, scalars):
    found = re.findall(r"typedef struct \w+ \{(.*?)\} (vecstore_\w+);", header, re.DOTALL)
    structs = {name: body for body, name in found}
    assert set(_ffi.STRUCTS) == set(structs)
    for name, body in structs.items():
        fields = [re.match(r"(.*?)(\w+)$", " ".join(line.split())) for line in body.split(";") if line.strip()]
        declared = _ffi.STRUCTS[name]._fields_
        assert [field.group(2) for field in fields] == [field for field, _ in declared], name
        for field, (_, python_type) in zip(fields, declared):
            assert is_same(field.group(1).strip(), python_type, scalars), (name, field.group(2))


def test_the_names_stand_for_the_numbers_of_the_header(header):
    short = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int8": "I8", "uint8": "U8", "bits": "BITS"}
    assert {short[name]: code for name, code in _ffi.DTYPES.items()} == constants(header, "VECSTORE_DTYPE_")
    assert {name.upper(): code for name, code in _ffi.METRICS.items()} == constants(header, "VECSTORE_METRIC_")
    assert {name.upper(): code for name, code in _ffi.KINDS.items()} == constants(header, "VECSTORE_KIND_")
    assert {name.upper(): code for name, code in _ffi.FILTERS.items()} == constants(header, "VECSTORE_FILTER_")
    assert {name.upper(): code for name, code in _ffi.DURABILITIES.items()} == constants(header, "VECSTORE_DURABILITY_")
    assert {name.upper(): code for name, code in _ffi.MEMORIES.items()} == constants(header, "VECSTORE_MEMORY_")
    assert {name.upper(): code for name, code in _ffi.PAYLOAD_CHANGES.items()} == constants(header, "VECSTORE_PAYLOAD_")
    assert {name.upper(): code for name, code in _ffi.TEXT_MODES.items()} == constants(header, "VECSTORE_TEXT_")
    assert {name.upper(): code for name, code in _ffi.FUSIONS.items()} == constants(header, "VECSTORE_FUSION_")
    assert {name.upper(): code for name, code in _ffi.LOG_LEVELS.items()} == constants(header, "VECSTORE_LOG_")
    evictions = constants(header, "VECSTORE_CACHE_EVICTION_")
    assert {name.upper(): code for name, code in _ffi.CACHE_EVICTIONS.items()} == evictions
    assert {name.upper(): code for name, code in _ffi.CACHE_TIERS.items()} == constants(header, "VECSTORE_CACHE_TIER_")
    assert {name.upper(): code for name, code in _ffi.BLOB_TYPES.items()} == constants(header, "VECSTORE_BLOB_")
    assert {name.upper(): code for name, code in _ffi.FIELD_VALUES.items()} == constants(header, "VECSTORE_FIELD_VALUES_")
    short.update({"auto": "AUTO", "int8": "INT8", "int4": "INT4", "pq": "PQ", "binary": "BINARY"})
    short.update({"default": "DEFAULT", "none": "NONE"})
    assert {short[name]: code for name, code in _ffi.STORAGES.items()} == constants(header, "VECSTORE_STORAGE_")
    assert {short[name]: code for name, code in _ffi.RESCORES.items()} == constants(header, "VECSTORE_RESCORE_")


def test_every_status_has_an_exception(header):
    mapped = {cls.status: code for code, cls in errors._CLASSES.items()}
    assert mapped == constants(header, "VECSTORE_ERR_")
    for name, code in mapped.items():
        assert _ffi.status_name(code) == name


def test_limits_and_version_are_those_of_the_header(header):
    assert int(re.search(r"VECSTORE_DIM_MAX (\d+)", header).group(1)) == _ffi.DIM_MAX
    assert int(re.search(r"VECSTORE_K_MAX (\d+)", header).group(1)) == _ffi.K_MAX
    assert int(re.search(r"VECSTORE_CACHE_ID_SIZE (\d+)", header).group(1)) == _ffi.CACHE_ID_SIZE
    assert int(re.search(r"VECSTORE_CACHE_TTL_NONE \((-\d+)\)", header).group(1)) == _ffi.CACHE_TTL_NONE
    assert re.search(r'VECSTORE_VERSION_STRING "(.*)"', header).group(1) == vecstore.__version__
    assert _ffi.version_string() == vecstore.__version__


def test_the_callbacks_have_the_types_of_the_header(header, scalars):
    found = re.findall(r"typedef (\w+) \(\*(vecstore_\w+)\)\(([^)]*)\);", header)
    assert {name for _, name, _ in found} == set(CALLBACKS)
    for result, name, arguments in found:
        python_type = CALLBACKS[name]
        c_types = [re.sub(r"\w+$", "", argument).strip() for argument in arguments.split(",")]
        assert python_type._restype_ is scalars[result]
        assert len(python_type._argtypes_) == len(c_types)
        for c_type, argument in zip(c_types, python_type._argtypes_):
            assert is_same(c_type, argument, scalars), (name, c_type)
