// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex

@_cdecl("vecstore_set_log_callback")
public func vecstore_set_log_callback(
    _ callback: vecstore_log_callback!, _ payload: UnsafeMutableRawPointer!, _ level: vecstore_log_level
) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let chosen = level == 0 ? .info : LogLevel(rawValue: level) else {
            let allowed = LogLevel.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
            throw VecStoreError(.invalidArgument, "level is \(level): allowed are 0 (info), \(allowed)")
        }
        guard let callback else { return Log.shared.set(nil, chosen) }
        Log.shared.set({ (level, message) in callback(level.rawValue, message, payload) }, chosen)
    }
}

@_cdecl("vecstore_set_slow_call_threshold")
public func vecstore_set_slow_call_threshold(_ microseconds: UInt64) {
    // Longer than the process will live is never.
    let most = UInt64(Int64.max / 1000)
    Log.shared.setSlow(nanoseconds: microseconds == 0 || microseconds > most ? .max : Int64(microseconds) * 1000)
}
