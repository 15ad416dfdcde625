// SPDX-License-Identifier: Apache-2.0

/// Whether something can do its work, and what stands in its way.
package struct HealthReport: Sendable {
    package enum Status: String, Comparable, Sendable {
        case ok, degraded, failed

        private var rank: Int {
            switch self {
            case .ok: 0
            case .degraded: 1
            case .failed: 2
            }
        }

        package static func < (a: Status, b: Status) -> Bool { a.rank < b.rank }
    }

    /// Something that is not as it should be.
    package struct Reason: Sendable {
        /// What programs decide by; the header lists them.
        package let code: String
        package let status: Status
        /// What people read.
        package let message: String

        package init(_ code: String, _ status: Status, _ message: String) {
            self.code = code
            self.status = status
            self.message = message
        }
    }

    package let reasons: [Reason]

    package init(_ reasons: [Reason]) { self.reasons = reasons }

    package var status: Status { reasons.map(\.status).max() ?? .ok }

    /// As JSON: `status`, and `reasons` with `code`, `status` and `message` each. The header lists the codes.
    package var text: String {
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.string(status.rawValue)
        json.key("reasons")
        json.beginArray()
        for reason in reasons {
            json.beginObject()
            json.key("code")
            json.string(reason.code)
            json.key("status")
            json.string(reason.status.rawValue)
            json.key("message")
            json.string(reason.message)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.text
    }
}
