// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// The text in the header of a .npy file: a dict of Python with three keys.
struct NPYHeader {
    let type: ElementType
    let rows: Int
    let dimension: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        var cursor = JSONCursor(bytes)
        var descr: String?, isFortran: Bool?, shape: [Int]?
        func refusal(_ reason: String) -> VecStoreError { VecStoreError(.corrupt, "the header of the .npy file: \(reason)") }
        guard cursor.take("{") else { throw refusal("no dict") }
        while !cursor.take("}") {
            guard let key = NPYHeader.quoted(&cursor) else { throw refusal("no key near byte \(cursor.place)") }
            guard cursor.take(":") else { throw refusal("no value of '\(key)'") }
            switch key {
            case "descr" where descr == nil:
                guard let text = NPYHeader.quoted(&cursor) else {
                    throw VecStoreError(.unsupported, "the .npy file has records: allowed are '<f4' (float32) and '<f2' (float16)")
                }
                descr = text
            case "fortran_order" where isFortran == nil:
                switch NPYHeader.word(&cursor) {
                case "True": isFortran = true
                case "False": isFortran = false
                default: throw refusal("fortran_order is neither True nor False")
                }
            case "shape" where shape == nil:
                guard let numbers = NPYHeader.tuple(&cursor) else { throw refusal("shape is no tuple of sizes") }
                shape = numbers
            default: throw refusal("the key '\(key)' is not expected")
            }
            if !cursor.take(",") && cursor.peek() != UInt8(ascii: "}") { throw refusal("a comma is missing near byte \(cursor.place)") }
        }
        guard cursor.peek() == nil else { throw refusal("more behind the dict") }
        guard let descr, let isFortran, let shape else { throw refusal("descr, fortran_order or shape is missing") }
        switch descr {
        case "<f4": type = .float32
        case "<f2": type = .float16
        default:
            throw VecStoreError(
                .unsupported, "the .npy file has elements of type '\(descr)': allowed are '<f4' (float32) and '<f2' (float16)")
        }
        guard shape.count == 2, shape[1] >= 1, shape[1] <= Limits.dimension else {
            throw VecStoreError(
                .unsupported, "the .npy file has the shape \(shape): it must have two axes, of which the second is a dim")
        }
        guard !isFortran || shape[0] <= 1 else {
            throw VecStoreError(.unsupported, "the .npy file is in the order of Fortran: rows must lie one after the other")
        }
        (rows, dimension) = (shape[0], shape[1])
    }

    /// A string in single or double quotes, without escapes; nil where none comes next.
    private static func quoted(_ cursor: inout JSONCursor) -> String? {
        guard let quote = cursor.peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
        let rest = cursor.bytes[(cursor.place + 1)...]
        guard let end = rest.firstIndex(of: quote), !rest[..<end].contains(UInt8(ascii: "\\")) else { return nil }
        let text = String(decoding: rest[..<end], as: UTF8.self)
        cursor = JSONCursor(cursor.bytes, at: end + 1)
        return text
    }

    private static func word(_ cursor: inout JSONCursor) -> String {
        guard let range = try? cursor.value() else { return "" }
        return String(decoding: cursor.slice(range), as: UTF8.self)
    }

    private static func tuple(_ cursor: inout JSONCursor) -> [Int]? {
        guard cursor.take("(") else { return nil }
        var numbers: [Int] = []
        while !cursor.take(")") {
            // Python 2 wrote long integers with an L.
            guard numbers.count < 64, let number = integer(&cursor) else { return nil }
            numbers.append(number)
            if !cursor.take(",") && cursor.peek() != UInt8(ascii: ")") { return nil }
        }
        return numbers
    }

    private static func integer(_ cursor: inout JSONCursor) -> Int? {
        guard cursor.peek() != nil else { return nil }
        var end = cursor.place
        while end < cursor.bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(cursor.bytes[end]) { end += 1 }
        let number = Int(String(decoding: cursor.bytes[cursor.place..<end], as: UTF8.self))
        if end < cursor.bytes.count && cursor.bytes[end] == UInt8(ascii: "L") { end += 1 }
        cursor = JSONCursor(cursor.bytes, at: end)
        return number
    }
}
