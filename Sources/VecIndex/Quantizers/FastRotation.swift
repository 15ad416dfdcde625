// SPDX-License-Identifier: Apache-2.0

/// A random rotation of any number n of elements in O(n · log n): four rounds, each of random signs, a Walsh–Hadamard
/// transform of the largest power of two of the elements, the first ones and the last ones in turns, and where that is not
/// all, of sums and differences of both halves. Each part is orthogonal and undoes itself, but for the order.
///
/// It spreads any vector about evenly over all elements, as a rotation drawn at random does, whose product would take n²
/// multiplications (Ailon, Chazelle: The fast Johnson–Lindenstrauss transform, 2009).
struct FastRotation: Sendable {
    let dimension: Int
    /// A power of two.
    private let width: Int
    /// 1 or −1 for each element of each round.
    private let signs: [Float]

    private static let rounds = 4

    init(dimension: Int, seed: UInt64) {
        self.dimension = dimension
        var width = 1
        while 2 * width <= dimension { width *= 2 }
        self.width = width
        var random = SplitMix64(seed: seed)
        signs = (0..<(FastRotation.rounds * dimension)).map { _ in random.next() >> 63 == 0 ? 1 : -1 }
    }

    /// Rotates a vector in place.
    func apply(_ vector: UnsafeMutablePointer<Float>) {
        for round in 0..<FastRotation.rounds {
            flip(vector, round)
            transform(vector + start(round))
            mix(vector)
        }
    }

    /// Rotates a vector back in place.
    func applyInverse(_ vector: UnsafeMutablePointer<Float>) {
        for round in (0..<FastRotation.rounds).reversed() {
            mix(vector)
            transform(vector + start(round))
            flip(vector, round)
        }
    }

    private func start(_ round: Int) -> Int { round % 2 == 0 ? 0 : dimension - width }

    private func flip(_ vector: UnsafeMutablePointer<Float>, _ round: Int) {
        signs.withUnsafeBufferPointer { signs in
            guard let sign = signs.baseAddress.map({ $0 + round * dimension }) else { return }
            for d in 0..<dimension { vector[d] *= sign[d] }
        }
    }

    /// The Walsh–Hadamard transform of `width` elements, scaled to keep lengths.
    private func transform(_ vector: UnsafeMutablePointer<Float>) {
        var half = 1
        while half < width {
            var from = 0
            while from < width {
                let low = vector + from, high = low + half
                for i in 0..<half {
                    let a = low[i], b = high[i]
                    low[i] = a + b
                    high[i] = a - b
                }
                from &+= 2 &* half
            }
            half &*= 2
        }
        let scale = 1 / Float(width).squareRoot()
        for i in 0..<width { vector[i] *= scale }
    }

    /// Sums and differences of the halves, where the transform leaves some elements out.
    private func mix(_ vector: UnsafeMutablePointer<Float>) {
        guard width < dimension else { return }
        let half = dimension / 2
        let low = vector, high = vector + (dimension - half)
        let scale = Float(0.5).squareRoot()
        for i in 0..<half {
            let a = low[i], b = high[i]
            low[i] = (a + b) * scale
            high[i] = (a - b) * scale
        }
    }
}
