// SPDX-License-Identifier: Apache-2.0

import CBLAS
import CVecShims
import Synchronization

/// The BLAS library of the process: which it is, and its matrix product, always on the calling thread.
package enum BLAS {
    /// What is known of the library that `sgemm_` comes from.
    package struct Identity: Sendable {
        /// openblas, mkl, blis, atlas, reference or unknown.
        package let name: String
        package let version: String
        /// Its file.
        package let file: String
        /// The symbol that told.
        package let recognisedBy: String

        package var warning: String {
            switch name {
            case "reference":
                "the reference BLAS is some 50 times slower than an optimised one: install libopenblas0-pthread"
            default: ""
            }
        }
    }

    private typealias GetThreads = @convention(c) () -> Int32
    private typealias SetThreads = @convention(c) (Int32) -> Void
    private typealias SetLocalThreads = @convention(c) (Int32) -> Int32
    private typealias Text = @convention(c) () -> UnsafePointer<CChar>?

    private static let file: String = {
        let function: @convention(c) (
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Int32>?,
            UnsafePointer<Float>?, UnsafePointer<Int32>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?,
            UnsafePointer<Int32>?
        ) -> Void = sgemm_
        return vs_library_of(unsafeBitCast(function, to: UnsafeRawPointer.self)).map { String(cString: $0) } ?? ""
    }()

    private static func symbol<F>(_ name: String, as _: F.Type) -> F? {
        guard !file.isEmpty, let address = vs_symbol_in(file, name) else { return nil }
        return unsafeBitCast(address, to: F.self)
    }

    package static let identity: Identity = {
        func found(_ name: String, _ symbolName: String) -> Identity? {
            guard let text = symbol(symbolName, as: Text.self) else { return nil }
            return Identity(
                name: name, version: text().map { String(cString: $0) } ?? "", file: file, recognisedBy: symbolName)
        }
        if let openblas = found("openblas", "openblas_get_config") { return openblas }
        if let blis = found("blis", "bli_info_get_version_str") { return blis }
        if symbol("mkl_set_num_threads_local", as: SetLocalThreads.self) != nil {
            return Identity(name: "mkl", version: "", file: file, recognisedBy: "mkl_set_num_threads_local")
        }
        if symbol("ATL_buildinfo", as: SetThreads.self) != nil {
            return Identity(name: "atlas", version: "", file: file, recognisedBy: "ATL_buildinfo")
        }
        // The reference library has error handlers of its own and nothing else to tell it by.
        if symbol("xerbla_array_", as: SetThreads.self) != nil {
            return Identity(name: "reference", version: "", file: file, recognisedBy: "xerbla_array_")
        }
        return Identity(name: "unknown", version: "", file: file, recognisedBy: "")
    }()

    private static let getThreads = symbol("openblas_get_num_threads", as: GetThreads.self)
    private static let setThreads = symbol("openblas_set_num_threads", as: SetThreads.self)
    private static let setLocalThreads =
        symbol("openblas_set_num_threads_local", as: SetLocalThreads.self)
        ?? symbol("mkl_set_num_threads_local", as: SetLocalThreads.self)

    /// The host's own number of BLAS threads, kept while any of our products runs.
    private static let state = Mutexed()

    private final class Mutexed: @unchecked Sendable {
        // Safety: both are touched under `lock` only.
        let lock = Lock()
        var users = 0
        var hostThreads: Int32 = 1
    }

    /// Runs `body` with BLAS on one thread. Where the library has a setting for one thread alone, that is used; else the
    /// setting of the process is changed by the first user and put back by the last.
    package static func onOneThread<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        if let setLocalThreads {
            let before = setLocalThreads(1)
            defer { _ = setLocalThreads(before) }
            return try body()
        }
        guard let getThreads, let setThreads else { return try body() }
        state.lock.withLock {
            if state.users == 0 {
                state.hostThreads = getThreads()
                if state.hostThreads > 1 { setThreads(1) }
            }
            state.users += 1
        }
        defer {
            state.lock.withLock {
                state.users -= 1
                if state.users == 0 && state.hostThreads > 1 { setThreads(state.hostThreads) }
            }
        }
        return try body()
    }

    /// products[i · stride + j] = Σ queries[i] · rows[j], for row-major blocks of the same dimension.
    /// Call it within `onOneThread`.
    package static func innerProducts(
        queries: UnsafePointer<Float>, count: Int, rows: UnsafePointer<Float>, rowCount: Int, dimension: Int,
        products: UnsafeMutablePointer<Float>, stride: Int
    ) {
        // Column-major BLAS sees the transposes: products' = rows · queries'.
        var m = Int32(truncatingIfNeeded: rowCount), n = Int32(truncatingIfNeeded: count)
        var k = Int32(truncatingIfNeeded: dimension)
        var ldc = Int32(truncatingIfNeeded: stride)
        var one: Float = 1, zero: Float = 0
        var transposed = CChar(UInt8(ascii: "T")), plain = CChar(UInt8(ascii: "N"))
        sgemm_(&transposed, &plain, &m, &n, &k, &one, rows, &k, queries, &k, &zero, products, &ldc)
    }

    /// C = A · B, row-major: A is rows × inner, B inner × columns. Call it within `onOneThread`.
    package static func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, inner: Int, columns: Int,
        _ c: UnsafeMutablePointer<Float>
    ) {
        // Column-major BLAS sees the transposes: C' = B' · A'.
        var m = Int32(truncatingIfNeeded: columns), n = Int32(truncatingIfNeeded: rows)
        var k = Int32(truncatingIfNeeded: inner)
        var one: Float = 1, zero: Float = 0
        var plain = CChar(UInt8(ascii: "N"))
        sgemm_(&plain, &plain, &m, &n, &k, &one, b, &m, a, &k, &zero, c, &m)
    }

    /// C = Aᵀ · B, or C + Aᵀ · B, row-major: A is rows × left, B rows × right. Call it within `onOneThread`.
    package static func multiplyTransposed(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, left: Int, right: Int, adds: Bool,
        _ c: UnsafeMutablePointer<Float>
    ) {
        // C' = B' · A, of which column-major BLAS sees B' as it is and A transposed.
        var m = Int32(truncatingIfNeeded: right), n = Int32(truncatingIfNeeded: left)
        var k = Int32(truncatingIfNeeded: rows)
        var one: Float = 1, beta: Float = adds ? 1 : 0
        var plain = CChar(UInt8(ascii: "N")), transposed = CChar(UInt8(ascii: "T"))
        sgemm_(&plain, &transposed, &m, &n, &k, &one, b, &m, a, &n, &beta, c, &m)
    }
}
