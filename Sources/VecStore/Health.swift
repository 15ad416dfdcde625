// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// Whether a collection or a cache can do its work.
public struct Health: Sendable {
    public enum Status: String, Sendable {
        case ok
        /// It works, but something should be done.
        case degraded
        case failed
    }

    /// Something that is not as it should be.
    public struct Reason: Sendable {
        /// What to decide by, as in the C header: "disk_full", "graph_damaged", "redis_away" and so on.
        public let code: String
        public let status: Status
        /// What to read.
        public let message: String
    }

    /// That of the worst reason.
    public let status: Status
    public let reasons: [Reason]
}

extension Health {
    init(_ report: HealthReport) {
        status = Status(report.status)
        reasons = report.reasons.map { Reason(code: $0.code, status: Status($0.status), message: $0.message) }
    }
}

extension Health.Status {
    fileprivate init(_ status: HealthReport.Status) {
        switch status {
        case .ok: self = .ok
        case .degraded: self = .degraded
        case .failed: self = .failed
        }
    }
}
