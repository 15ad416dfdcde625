// k-means in Swift.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecStore

@Suite("k-means in Swift")
struct KMeansTests {
    private let line: [[Float]] = [[0], [1], [2], [100], [101], [102]]

    @Test("it finds two groups on a line")
    func groups() throws {
        let found = try KMeans(k: 2).clusters(line)
        #expect(found.centroids.sorted { $0[0] < $1[0] } == [[1], [101]])
        #expect(found.objective == 4)
        #expect(found.isConverged)
        #expect(found.assignments[0] == found.assignments[2] && found.assignments[0] != found.assignments[3])
        let bytes = try KMeans(k: 2).clusters(flat: [0, 1, 2, 100, 101, 102] as [UInt8], dimension: 1)
        #expect(bytes.assignments == found.assignments)
    }

    @Test("settings reach the library")
    func settings() throws {
        let directions: [[Float]] = [[1, 0], [9, 0], [0, 1], [0, 30]]
        let found = try KMeans(k: 2, metric: .cosine, start: .random, restarts: 8).clusters(directions, threads: 1)
        #expect(found.objective == 0)
        #expect(found.assignments[0] == found.assignments[1] && found.assignments[2] == found.assignments[3])
        var told = 0
        _ = try KMeans(k: 2, maxIterations: 3, tolerance: nil, batchSize: 2).clusters(line) { done, total in
            told += 1
            return done <= total
        }
        #expect(told > 1)
    }

    @Test("what makes no sense is refused")
    func refusals() {
        func refused(_ code: VecStoreError.Code, _ body: () throws -> Void) {
            let error = #expect(throws: VecStoreError.self, performing: body)
            #expect(error?.code == code)
        }
        refused(.invalidArgument) { _ = try KMeans(k: 7).clusters(line) }
        refused(.invalidArgument) { _ = try KMeans(k: 2).clusters([[1, 2], [3]] as [[Float]]) }
        refused(.invalidArgument) { _ = try KMeans(k: 2).clusters(flat: [1, 2, 3] as [Float], dimension: 2) }
        refused(.invalidArgument) { _ = try KMeans(k: 2).clusters(flat: [1, 2, 3] as [Float], dimension: 0) }
        refused(.invalidArgument) { _ = try KMeans(k: 2, sample: 4, batchSize: 2).clusters(line) }
        refused(.invalidArgument) { _ = try KMeans(k: 2).clusters(line, threads: -1) }
        refused(.invalidArgument) { _ = try KMeans(k: -1).clusters(line) }
        refused(.invalidArgument) { _ = try KMeans(k: 1).clusters([[Float]]()) }
        refused(.unsupported) { _ = try KMeans(k: 2, metric: .l1).clusters(line) }
        refused(.cancelled) { _ = try KMeans(k: 2).clusters(line) { _, _ in false } }
    }
}
