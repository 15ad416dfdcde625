// Forged files, whose checksums are right.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecIndex

/// A file with one section changed, all checksums right.
func rewritten(
    _ bytes: [UInt8], _ kind: SectionKind, _ change: (inout [UInt8]) -> Void
) throws -> [UInt8] {
    var header = try HeaderTests.decode(bytes)
    var result = bytes
    let i = try #require(header.sections.firstIndex { $0.kind == kind })
    let range = header.sections[i].offset..<(header.sections[i].offset + header.sections[i].size)
    var section = Array(bytes[range])
    change(&section)
    try #require(section.count == range.count)
    result.replaceSubrange(range, with: section)
    header.sections[i].checksum = checksum(of: section)
    let encoded = header.encode(fileSize: bytes.count)
    result.replaceSubrange(0..<encoded.count, with: encoded)
    return result
}
