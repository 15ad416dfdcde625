// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How much a message matters.
public enum LogLevel: UInt32, CaseIterable, Sendable {
    /// Work in the background failed; it is tried again.
    case error = 1
    /// A graph that was damaged and is made again, a slow call, a line that an import passes over.
    case warning = 2
    /// Graphs and snapshots that were saved, what a crash had left over.
    case info = 3
    /// Collections that were opened.
    case debug = 4
}

/// Sets the function that is told what happens that no call returns, for the whole process. In the beginning there is none, and the
/// library is silent.
///
/// It is called on any thread, on several at once, while the library holds no lock: it may use collections, and set another function.
/// Messages that arise from that are not told. When this returns, no call of the function before runs any more, unless it was called
/// from within that.
/// - Parameters:
///   - level: Messages that matter less are not told.
///   - callback: nil: nobody is told.
public func setLogCallback(level: LogLevel = .info, _ callback: (@Sendable (LogLevel, String) -> Void)?) {
    let chosen = VecIndex.LogLevel(rawValue: level.rawValue) ?? .info
    guard let callback else { return Log.shared.set(nil, chosen) }
    Log.shared.set({ (level, text) in callback(LogLevel(rawValue: level.rawValue) ?? .error, String(cString: text)) }, chosen)
}

/// Has calls of collections that take this long or longer told as warnings, in the whole process.
/// - Parameter threshold: nil, zero or less: none is told, as in the beginning.
public func setSlowCallThreshold(_ threshold: Duration?) {
    guard let threshold, threshold > .zero else { return Log.shared.setSlow(nanoseconds: .max) }
    let (seconds, attoseconds) = threshold.components
    let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isTooLong) = whole.addingReportingOverflow(max(attoseconds / 1_000_000_000, seconds == 0 ? 1 : 0))
    Log.shared.setSlow(nanoseconds: overflows || isTooLong ? .max : sum)
}
