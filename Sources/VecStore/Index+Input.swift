// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

// Checks of what callers pass. Nothing below this module sees a value that has not been through here.
extension Index {
    func checkedK(_ k: Int) throws(CoreError) -> Int {
        guard k >= 1 && k <= Limits.k else {
            throw CoreError(.invalidArgument, "k is \(k): allowed is 1 to \(Limits.k)")
        }
        return k
    }

    /// The options of a search, without its filter.
    func checkedOptions(
        nprobe: Int?, efSearch: Int?, targetRecall: Float?, rescores: Bool, oversampling: Float?, threads: Int
    ) throws(CoreError) -> SearchOptions {
        if let nprobe, nprobe < 1 || nprobe > IVFOptions.mostLists {
            throw CoreError(.invalidArgument, "nprobe is \(nprobe): allowed is 1 to \(IVFOptions.mostLists)")
        }
        if let efSearch, efSearch < 1 || efSearch > Limits.k {
            throw CoreError(.invalidArgument, "efSearch is \(efSearch): allowed is 1 to \(Limits.k)")
        }
        if let targetRecall {
            guard targetRecall > 0 && targetRecall <= 1 else {
                throw CoreError(.invalidArgument, "targetRecall is \(targetRecall): allowed is above 0, up to 1")
            }
            guard efSearch == nil else {
                throw CoreError(.invalidArgument, "efSearch and targetRecall are both given: they say the same thing")
            }
        }
        if let oversampling, !(oversampling >= 1 && oversampling.isFinite) {
            throw CoreError(.invalidArgument, "oversampling is \(oversampling): allowed is 1 and more")
        }
        return SearchOptions(
            threads: try ThreadPool.checkedThreads(threads), nprobe: nprobe, efSearch: efSearch, targetRecall: targetRecall,
            rescores: rescores, oversampling: oversampling)
    }

    func inputType<E: VectorElement>(_: E.Type) -> VecKernelTypes.ElementType {
        E.inputType(for: elementType).internalValue
    }

    /// Elements in one vector as it is given: bits come eight to a byte.
    var inputLength: Int { elementType == .bits ? (dimension + 7) / 8 : dimension }

    func joined<E: VectorElement>(_ vectors: [[E]]) throws(VecStoreError) -> [E] {
        for (i, vector) in vectors.enumerated() where vector.count != inputLength {
            throw wrongLength("vector \(i) has \(vector.count) elements", inputLength)
        }
        return vectors.flatMap { $0 }
    }

    func rows<E: VectorElement>(_ elements: [E]) throws(VecStoreError) -> Int {
        guard elements.count % inputLength == 0 else {
            throw wrongLength("\(elements.count) elements are no whole vectors", inputLength)
        }
        return elements.count / inputLength
    }

    func wrongLength(_ what: String, _ length: Int) -> VecStoreError {
        VecStoreError(CoreError(.invalidArgument, "\(what): each vector of this index has \(length)"))
    }

    func wrongCount(_ what: String, _ got: Int, _ want: Int) -> VecStoreError {
        VecStoreError(CoreError(.invalidArgument, "there are \(got) \(what) for \(want) vectors"))
    }

    func withFilter<R>(
        _ filter: Filter?, _ body: (RowFilter) throws(CoreError) -> R
    ) throws(CoreError) -> R {
        func withList(_ ids: [UInt64], isNegated: Bool) throws(CoreError) -> R {
            let memory = try allocate(UInt64.self, ids.count, for: "a filter of ids")
            let copy = memory.pointer(UInt64.self)
            for (i, id) in ids.enumerated() { copy[i] = id }
            defer { withExtendedLifetime(memory) {} }
            return try body(RowFilter(.ids(copy, count: ids.count), isNegated: isNegated))
        }
        switch filter {
        case nil: return try body(RowFilter(.none))
        case .ids(let ids): return try withList(ids, isNegated: false)
        case .excluding(let ids): return try withList(ids, isNegated: true)
        case .matching(let callback): return try body(RowFilter(.callback(callback)))
        }
    }
}
