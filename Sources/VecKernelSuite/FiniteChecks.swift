// Checks of the test for finite elements.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let finiteChecks = ElementType.allCases.filter { $0.isFloat }.map { type in
    KernelCheck(name: "all finite \(type.name): finds NaN and ±infinity at every position, and nothing else") {
        table, extent in
        guard let kernel = table.allFinite[Int(type.rawValue)] else { return ["there is no kernel"] }
        var findings = Findings()
        findAtEveryPosition(kernel, type, extent, &findings)
        return findings.failures
    }
}

/// A number of the type by its bits: those of a 16-bit type are taken from the top of a float32's where they can be.
private func bytes(_ type: ElementType, _ float16: UInt16, _ float32: UInt32) -> [UInt8] {
    let bits = type == .float16 ? UInt32(float16) : (type == .bfloat16 ? float32 >> 16 : float32)
    return (0..<type.rowSize(1)).map { UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0)) }
}

/// Seed: 8.
private func findAtEveryPosition(
    _ kernel: FiniteKernel, _ type: ElementType, _ extent: Extent, _ findings: inout Findings
) {
    var random = SplitMix64(seed: 8)
    let memory = FencedMemory(1 << 13, extent)
    let size = type.rowSize(1)
    let bad = [
        ("infinity", bytes(type, 0x7C00, 0x7F80_0000)), ("-infinity", bytes(type, 0xFC00, 0xFF80_0000)),
        ("NaN", bytes(type, 0x7E00, 0x7FC0_0000)), ("a signalling NaN", bytes(type, 0xFC01, 0xFF81_0000)),
    ]
    let largest = [bytes(type, 0x7BFF, 0x7F7F_FFFF), bytes(type, 0xFBFF, 0xFF7F_FFFF)]

    findings.expect(kernel(memory.put([UInt8](), atEnd: true), 0), "no elements: not finite")
    for count in extent.dimensions {
        var row = TestVectors.random(type, count, &random)
        findings.expect(kernel(memory.put(row, atEnd: true), count), "\(count) elements: not finite")
        findings.expect(kernel(memory.put(row, atEnd: false, offset: 1), count), "\(count) elements at 1: not finite")

        let extreme = (0..<count).flatMap { largest[$0 % 2] }
        findings.expect(kernel(memory.put(extreme, atEnd: true), count), "\(count) of the largest numbers: not finite")

        for position in 0..<count {
            let place = position * size..<(position + 1) * size
            let good = Array(row[place])
            let (name, bits) = bad[(position + count) % bad.count]
            row.replaceSubrange(place, with: bits)
            findings.expect(
                !kernel(memory.put(row, atEnd: position % 2 == 0, offset: 1), count),
                "\(count) elements: \(name) at \(position) is not found")
            row.replaceSubrange(place, with: good)
        }
        for (name, bits) in bad {
            row.replaceSubrange((count - 1) * size..<count * size, with: bits)
            findings.expect(
                !kernel(memory.put(row, atEnd: true), count), "\(count) elements: \(name) at the end is not found")
        }
        let infinities = (0..<count).flatMap { bad[$0 % 2].1 }
        findings.expect(
            !kernel(memory.put(infinities, atEnd: true), count), "\(count) infinities of both signs are not found")
    }
}
