// The BLAS library of the process: recognised, and kept on one thread without the host noticing.
// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import Testing
import VecIndexReference

@testable import VecIndex

@Suite("BLAS")
struct BLASTests {
    /// The setting of the process, as a host that uses OpenBLAS too would see it.
    private enum Host {
        typealias Get = @convention(c) () -> Int32
        typealias Set = @convention(c) (Int32) -> Void

        static func symbol(_ name: String) -> UnsafeMutableRawPointer? { vs_symbol_in(BLAS.identity.file, name) }

        static var hasOpenBLAS: Bool { symbol("openblas_get_num_threads") != nil }

        static var threads: Int32 {
            get { symbol("openblas_get_num_threads").map { unsafeBitCast($0, to: Get.self)() } ?? -1 }
            set { if let set = symbol("openblas_set_num_threads") { unsafeBitCast(set, to: Set.self)(newValue) } }
        }
    }

    private static var installedOpenBLAS: Bool {
        guard let target = realpath("/usr/lib/x86_64-linux-gnu/libblas.so.3", nil) else { return false }
        defer { free(target) }
        return String(cString: target).contains("openblas")
    }

    @Test("it is known which library it is, where its file is, and by which symbol that was told")
    func identity() {
        let identity = BLAS.identity
        #expect(["openblas", "mkl", "blis", "atlas", "reference", "unknown"].contains(identity.name))
        #expect(identity.file.contains("blas"))
        #expect(identity.name == "unknown" || vs_symbol_in(identity.file, identity.recognisedBy) != nil)
        #expect(identity.warning.isEmpty == (identity.name != "reference"))
    }

    @Test("OpenBLAS is recognised", .enabled(if: installedOpenBLAS, "libblas.so.3 is another library here"))
    func openBLAS() {
        #expect(BLAS.identity.name == "openblas")
        #expect(BLAS.identity.recognisedBy == "openblas_get_config")
        #expect(BLAS.identity.version.contains("OpenBLAS"))
    }

    @Test("its products are inner products of rows", arguments: [(1, 1, 1), (3, 5, 7), (20, 33, 100)])
    func products(queries: Int, rows: Int, dimension: Int) throws {
        let made = DataSet.scattered.make(rows: rows, queries: queries, dimension: dimension, type: .float32, seed: 401)
        let stride = rows + 3
        var products = [Float](repeating: -77, count: queries * stride)
        try BLAS.onOneThread { () throws(VecStoreError) in
            BLAS.innerProducts(
                queries: made.queries.floats, count: queries, rows: made.rows.floats, rowCount: rows,
                dimension: dimension, products: &products, stride: stride)
        }
        for i in 0..<queries {
            for j in 0..<rows {
                let truth = Reference.distance(.innerProduct, made.queries, i, made.rows, j)
                #expect(abs(-Double(products[i * stride + j]) - truth.value) <= truth.tolerance)
            }
            for j in rows..<stride { #expect(products[i * stride + j] == -77) }
        }
    }

    // The setting belongs to the process, and other tests use BLAS meanwhile: each of these is a process of its own.

    @Test("inside onOneThread it has one thread, afterwards as many as the host had", .enabled(if: Host.hasOpenBLAS))
    func restored() async {
        await #expect(processExitsWith: .success) {
            for threads in [1, 2] as [Int32] {
                Host.threads = threads
                var inside: Int32 = 0
                try BLAS.onOneThread { () throws(VecStoreError) in inside = Host.threads }
                try #require(inside == 1)
                try #require(Host.threads == threads)
            }
        }
    }

    @Test("it is restored by the last of several users, whoever that is", .enabled(if: Host.hasOpenBLAS))
    func severalUsers() async {
        await #expect(processExitsWith: .success) {
            Host.threads = 2
            let wrong = Shared(0)
            onThreads(6) { _ in
                for _ in 0..<200 {
                    try? BLAS.onOneThread { () throws(VecStoreError) in
                        if Host.threads != 1 { wrong.change { $0 += 1 } }
                        try? BLAS.onOneThread { () throws(VecStoreError) in
                            if Host.threads != 1 { wrong.change { $0 += 1 } }
                        }
                    }
                }
            }
            try #require(wrong.current == 0)
            try #require(Host.threads == 2)
        }
    }

    @Test("it is restored where the work inside fails", .enabled(if: Host.hasOpenBLAS))
    func restoredAfterError() async {
        await #expect(processExitsWith: .success) {
            Host.threads = 2
            #expect(throws: VecStoreError.self) {
                try BLAS.onOneThread { () throws(VecStoreError) in throw VecStoreError(.io, "inside") }
            }
            try #require(Host.threads == 2)
        }
    }

    @Test("a search of many queries leaves the host's number of threads alone", .enabled(if: Host.hasOpenBLAS))
    func search() async {
        await #expect(processExitsWith: .success) {
            Host.threads = 2
            let made = DataSet.scattered.make(rows: 3000, queries: 200, dimension: 100, type: .float32, seed: 402)
            let index = try FlatIndex(made.rows, metric: .l2Squared, exactCodes: false, table: .current)
            for threads in [1, 2] { _ = try index.search(made.queries, k: 5, threads: threads) }
            try #require(Host.threads == 2)
        }
    }
}
