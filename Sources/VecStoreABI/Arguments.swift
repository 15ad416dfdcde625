// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecIndex
import VecKernelTypes

// Checks of what callers pass. Nothing below this module sees a value that has not been through here.

func checked<P>(_ pointer: P?, _ name: String) throws(VecStoreError) -> P {
    guard let pointer else { throw VecStoreError(.invalidArgument, "\(name) is NULL") }
    return pointer
}

/// A pointer to `count` things: NULL is allowed where there are none.
func checked(_ pointer: UnsafeRawPointer?, _ name: String, count: Int) throws(VecStoreError) -> UnsafeRawPointer {
    if count == 0 { return pointer ?? UnsafeRawPointer(nowhere) }
    return try checked(pointer, name)
}

func checked(
    _ pointer: UnsafeMutableRawPointer?, _ name: String, count: Int
) throws(VecStoreError) -> UnsafeMutableRawPointer {
    if count == 0 { return pointer ?? nowhere }
    return try checked(pointer, name)
}

func checked<T>(_ pointer: UnsafePointer<T>?, _ name: String, count: Int) throws(VecStoreError) -> UnsafePointer<T> {
    if count == 0 { return pointer ?? UnsafeRawPointer(nowhere).assumingMemoryBound(to: T.self) }
    return try checked(pointer, name)
}

func checked<T>(
    _ pointer: UnsafeMutablePointer<T>?, _ name: String, count: Int
) throws(VecStoreError) -> UnsafeMutablePointer<T> {
    if count == 0 { return pointer ?? nowhere.assumingMemoryBound(to: T.self) }
    return try checked(pointer, name)
}

/// Something to point at where nothing is read or written.
nonisolated(unsafe) private let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

/// A size_t: Swift sees those beyond Int.max as negative.
func checkedCount(_ count: Int, _ name: @autoclosure () -> String) throws(VecStoreError) -> Int {
    guard count >= 0 else {
        throw VecStoreError(.tooLarge, "\(name()) is \(UInt(bitPattern: count)): more than there is memory for")
    }
    return count
}

/// A size_t whose range is checked below: what is beyond Int.max stays too large.
func clamped(_ size: Int) -> Int { size < 0 ? .max : size }

/// The bytes of `count` rows, which must fit the address space.
@discardableResult
func checkedSize(_ count: Int, _ size: Int, _ name: String) throws(VecStoreError) -> Int {
    guard let bytes = product(count, size), bytes < Int.max / 8 else {
        throw VecStoreError(.tooLarge, "\(name): \(count) times \(size) bytes are more than there is memory for")
    }
    return bytes
}

func checkedDimension(_ dimension: Int) throws(VecStoreError) -> Int {
    guard dimension >= 1 && dimension <= Limits.dimension else {
        throw VecStoreError(.invalidArgument, "dim is \(UInt(bitPattern: dimension)): allowed is 1 to \(Limits.dimension)")
    }
    return dimension
}

func checkedK(_ k: Int) throws(VecStoreError) -> Int {
    guard k >= 1 && k <= Limits.k else {
        throw VecStoreError(.invalidArgument, "k is \(UInt(bitPattern: k)): allowed is 1 to \(Limits.k)")
    }
    return k
}

func checkedMetric(_ metric: vecstore_metric) throws(VecStoreError) -> Metric {
    guard let value = Metric(rawValue: metric) else {
        let allowed = Metric.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "metric is \(metric): allowed are \(allowed)")
    }
    return value
}

func checkedType(_ dtype: vecstore_dtype) throws(VecStoreError) -> ElementType {
    guard let value = ElementType(rawValue: dtype) else {
        let allowed = ElementType.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "dtype is \(dtype): allowed are \(allowed)")
    }
    return value
}

/// A number of threads, resolved.
func checkedThreads(_ threads: UInt32) throws(VecStoreError) -> Int {
    try ThreadPool.checkedThreads(Int(threads))
}

func checkedFlag(_ value: UInt32, _ name: String) throws(VecStoreError) -> Bool {
    guard value <= 1 else { throw VecStoreError(.invalidArgument, "\(name) is \(value): allowed are 0 and 1") }
    return value == 1
}

/// A file name: not empty, UTF-8, without an end in the middle.
func checkedPath(_ path: UnsafePointer<CChar>?) throws(VecStoreError) -> String {
    let start = try checked(path, "path")
    var length = 0
    while length <= 4000 && start[length] != 0 { length += 1 }
    guard length > 0 else { throw VecStoreError(.invalidArgument, "path is empty") }
    guard length <= 4000 else { throw VecStoreError(.invalidArgument, "path is longer than 4000 bytes") }
    guard let text = String(validatingCString: start) else {
        throw VecStoreError(.invalidArgument, "path is not UTF-8")
    }
    return text
}
