// SPDX-License-Identifier: Apache-2.0

/// The instruction sets that kernels are built for, from the least to the most.
package enum InstructionSet: Int, CaseIterable, Comparable, Sendable {
    /// x86-64 of 2003 (SSE2), or arm64 with NEON.
    case baseline
    /// AVX2, FMA, F16C (Haswell, 2013).
    case avx2
    /// AVX-512 F, BW, CD, DQ, VL (Skylake server, 2017).
    case avx512
    /// With VNNI and VPOPCNTDQ (Ice Lake server, 2021).
    case avx512vnni
    /// With BF16 as well (Sapphire Rapids, 2023; Zen 4).
    case avx512bf16

    /// As `VECSTORE_ISA` and the build information write it.
    package var name: String {
        switch self {
        case .baseline: "baseline"
        case .avx2: "avx2"
        case .avx512: "avx512"
        case .avx512vnni: "avx512vnni"
        case .avx512bf16: "avx512bf16"
        }
    }

    package static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rawValue < b.rawValue }
}
