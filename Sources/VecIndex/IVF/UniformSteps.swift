// SPDX-License-Identifier: Apache-2.0

/// The uniform quantizers that lose least of values from a normal distribution of variance 1 (Max: Quantizing for minimum
/// distortion, 1960, table II; beyond 5 bits: Jayant, Noll: Digital coding of waveforms, 1984, table 4.1).
enum UniformSteps {
    /// The step of a quantizer of 2^bits values, `bits` from 1 to 8.
    static func step(bits: Int) -> Float { steps[min(max(bits, 1), 8) - 1] }

    /// What it loses: the mean squared error.
    static func loss(bits: Int) -> Float { losses[min(max(bits, 1), 8) - 1] }

    private static let steps: [Float] = [1.596, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0568, 0.0308]
    private static let losses: [Float] = [0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.00104, 0.000304, 0.0000877]
}
