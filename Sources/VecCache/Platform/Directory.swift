// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import VecIndex

/// Makes a directory, where it is not there yet.
func makeDirectory(_ path: String) throws(VecStoreError) {
    if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    var text = [CChar](repeating: 0, count: 256)
    vs_system_reason(errno, &text, text.count)
    let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw VecStoreError(.io, "'\(path)': the directory could not be made: \(reason)")
}
