// SPDX-License-Identifier: Apache-2.0

/// A number of nanoseconds as messages write it.
func milliseconds(_ nanoseconds: Int64) -> String {
    let tenths = (nanoseconds + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
}
