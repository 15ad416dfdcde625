// SPDX-License-Identifier: Apache-2.0

import CJansson
import VecIndex

/// JSON text, parsed. Values of it live as long as the document.
package final class JSONDocument: @unchecked Sendable {
    // Safety: nothing changes the tree once it is parsed.

    private let tree: UnsafeMutablePointer<json_t>

    package var root: JSONValue { JSONValue(tree) }

    /// Refuses what is no JSON, what `rules` do not allow, and what the tree could not hold faithfully: keys that come
    /// twice, numbers that overflow, and the character U+0000.
    package init(_ bytes: UnsafeBufferPointer<UInt8>, _ rules: JSONRules) throws(VecStoreError) {
        let scan = try JSONScan(bytes, rules)
        var error = json_error_t()
        var parsed: UnsafeMutablePointer<json_t>?
        if scan.unsigned.isEmpty {
            parsed = JSONDocument.parse(bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error)
        } else {
            parsed = scan.marked().withUnsafeBufferPointer {
                JSONDocument.parse($0, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error)
            }
        }
        guard let parsed else {
            if vs_json_is_out_of_memory(&error) != 0 {
                throw .outOfMemory("a parsed \(rules.noun)", bytes: bytes.count)
            }
            let reason = withUnsafePointer(to: &error) { String(cString: vs_json_error_text($0)) }
            let place = min(scan.place(ofMarked: Int(error.position)), bytes.count)
            throw VecStoreError(.invalidArgument, "\(rules.noun): no valid JSON near byte \(place): \(reason)")
        }
        tree = parsed
    }

    deinit { json_decref(tree) }

    private static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, _ flags: Int32, _ error: UnsafeMutablePointer<json_error_t>
    ) -> UnsafeMutablePointer<json_t>? {
        bytes.withMemoryRebound(to: CChar.self) { text in
            // No bytes may come as NULL, which Jansson calls a wrong argument.
            guard let start = text.baseAddress else { return json_loadb("", 0, Int(flags), error) }
            return json_loadb(start, text.count, Int(flags), error)
        }
    }
}

/// The payload of a point from its text: a JSON object.
package func checkPayload(_ bytes: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> JSONDocument {
    let document = try JSONDocument(bytes, .payload)
    guard document.root.kind == .object else {
        throw VecStoreError(.invalidArgument, "payload: \(document.root.kind.name), where an object is expected")
    }
    return document
}
