// SPDX-License-Identifier: Apache-2.0

import CLAPACK

/// Decompositions of square matrices, which lie row after row. On the calling thread: call them within `BLAS.onOneThread`.
enum LAPACK {
    /// The orthogonal matrix nearest to A: U·Vᵀ of its singular value decomposition A = U·S·Vᵀ.
    /// - Parameter matrix: n × n; replaced by the result.
    static func makeOrthogonal(_ matrix: UnsafeMutablePointer<Float>, _ n: Int) throws(VecStoreError) {
        var layout = Layout()
        let valuesAt = layout.add(Float.self, n)
        let leftAt = layout.add(Float.self, n * n)
        let rightAt = layout.add(Float.self, n * n)
        let numbersAt = layout.add(Int32.self, 8 * n)
        let memory = try allocate(UInt8.self, layout.size, for: "a decomposition")
        let values = memory.pointer(Float.self, at: valuesAt)
        let left = memory.pointer(Float.self, at: leftAt), right = memory.pointer(Float.self, at: rightAt)
        let numbers = memory.pointer(Int32.self, at: numbersAt)
        var order = Int32(truncatingIfNeeded: n)
        var all = CChar(UInt8(ascii: "A"))
        var info: Int32 = 0
        var ask: Int32 = -1
        var wanted: Float = 0
        // LAPACK sees the transpose: Aᵀ = V·S·Uᵀ, so `left` holds V and `right` Uᵀ, column after column.
        sgesdd_(&all, &order, &order, matrix, &order, values, left, &order, right, &order, &wanted, &ask, numbers, &info)
        let size = try workSize(wanted, info)
        let room = try allocate(Float.self, size, for: "a decomposition")
        var length = Int32(truncatingIfNeeded: size)
        sgesdd_(
            &all, &order, &order, matrix, &order, values, left, &order, right, &order, room.pointer(Float.self), &length,
            numbers, &info)
        try check(info)
        // Row after row, `left` is Vᵀ and `right` is U: the product U·Vᵀ.
        BLAS.multiply(right, left, rows: n, inner: n, columns: n, matrix)
    }

    /// Eigenvectors of a symmetric matrix, as rows, those of the largest eigenvalues first.
    /// - Parameters:
    ///   - matrix: n × n; replaced by the eigenvectors.
    ///   - values: n eigenvalues, the largest first.
    static func eigenvectors(
        _ matrix: UnsafeMutablePointer<Float>, _ n: Int, _ values: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        var order = Int32(truncatingIfNeeded: n)
        var vectors = CChar(UInt8(ascii: "V")), lower = CChar(UInt8(ascii: "L"))
        var info: Int32 = 0
        var ask: Int32 = -1
        var wanted: Float = 0
        var wantedNumbers: Int32 = 0
        ssyevd_(&vectors, &lower, &order, matrix, &order, values, &wanted, &ask, &wantedNumbers, &ask, &info)
        let size = try workSize(wanted, info)
        let room = try allocate(Float.self, size, for: "a decomposition")
        let numbers = try allocate(Int32.self, max(Int(wantedNumbers), 1), for: "a decomposition")
        var length = Int32(truncatingIfNeeded: size), numbersLength = wantedNumbers
        ssyevd_(
            &vectors, &lower, &order, matrix, &order, values, room.pointer(Float.self), &length,
            numbers.pointer(Int32.self), &numbersLength, &info)
        try check(info)
        // Column after column in rising order is row after row in rising order: turned round.
        for i in 0..<(n / 2) {
            swap(&values[i], &values[n - 1 - i])
            for d in 0..<n { swap(&matrix[i * n + d], &matrix[(n - 1 - i) * n + d]) }
        }
    }

    /// What a query for the size of the work space answered, which is a rounded float.
    private static func workSize(_ answer: Float, _ info: Int32) throws(VecStoreError) -> Int {
        try check(info)
        guard answer >= 0 && answer < 0x1p31 else {
            throw VecStoreError(.tooLarge, "LAPACK wants more memory for a decomposition than it can count")
        }
        return Int(answer) + Int(answer) / 1_000_000 + 64
    }

    private static func check(_ info: Int32) throws(VecStoreError) {
        guard info == 0 else {
            throw VecStoreError(.internalError, "a decomposition of LAPACK failed (info \(info))")
        }
    }
}
