// SPDX-License-Identifier: Apache-2.0

import CVecStore
import Glibc
import VecIndex
import VecKernelTypes
import VecKernels

@_cdecl("vecstore_version_number")
public func vecstore_version_number() -> UInt32 {
    UInt32(VECSTORE_VERSION_MAJOR * 10000 + VECSTORE_VERSION_MINOR * 100 + VECSTORE_VERSION_PATCH)
}

/// Text for the life of the process.
private struct StaticText: @unchecked Sendable {
    // Safety: written once, before it is shared.
    let pointer: UnsafePointer<CChar>?

    init(_ text: String) { pointer = strdup(text).map { UnsafePointer($0) } }
}

private let versionText = StaticText(VECSTORE_VERSION_STRING)
private let buildInfoText = StaticText(buildInfo())

@_cdecl("vecstore_version_string")
public func vecstore_version_string() -> UnsafePointer<CChar>! { versionText.pointer }

@_cdecl("vecstore_build_info")
public func vecstore_build_info() -> UnsafePointer<CChar>! { buildInfoText.pointer }

private func buildInfo() -> String {
    let choice = KernelTable.choice
    let blas = BLAS.identity
    let available = KernelTable.available.map { quoted($0.name) }.joined(separator: ", ")
    let fields = [
        ("version", quoted(VECSTORE_VERSION_STRING)),
        ("isa", quoted(choice.table.isa.name)),
        ("isa_available", "[\(available)]"),
        ("isa_note", quoted(choice.note)),
        ("blas", quoted(blas.name)),
        ("blas_version", quoted(blas.version)),
        ("blas_library", quoted(blas.file)),
        ("blas_recognised_by", quoted(blas.recognisedBy)),
        ("blas_warning", quoted(blas.warning)),
        ("threads", "\(ThreadPool.defaultThreads)"),
    ]
    return "{" + fields.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
}

/// A JSON string.
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\":
            result.unicodeScalars.append("\\")
            result.unicodeScalars.append(scalar)
        case _ where scalar.value < 0x20:
            let hex = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
