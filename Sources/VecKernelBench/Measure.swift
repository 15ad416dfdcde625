// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Seconds since some moment.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Seconds of one call. Short work is repeated within one measurement.
private func once(_ times: Int, _ work: () -> Void) -> Double {
    let start = now()
    for _ in 0..<times { work() }
    return (now() - start) / Double(times)
}

/// How often work must be repeated to take some milliseconds.
private func repetitions(_ work: () -> Void) -> Int {
    work()
    var times = 1
    while once(times, work) * Double(times) < 0.003 && times < 1 << 20 { times *= 2 }
    return times
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The median time of one call, in seconds.
func measure(repeats: Int, _ work: () -> Void) -> Double {
    let times = repetitions(work)
    return median((0..<repeats).map { _ in once(times, work) })
}

/// The median time of one call, and the median of its ratio to a yardstick measured right before it: on a shared machine
/// both are slow at the same moments.
func measure(repeats: Int, against yardstick: () -> Void, _ work: () -> Void) -> (seconds: Double, ratio: Double) {
    let times = repetitions(work), yardstickTimes = repetitions(yardstick)
    var seconds: [Double] = [], ratios: [Double] = []
    for _ in 0..<repeats {
        let limit = once(yardstickTimes, yardstick)
        seconds.append(once(times, work))
        ratios.append(limit / seconds[seconds.count - 1])
    }
    return (median(seconds), median(ratios))
}

func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - text.count))
    return right ? fill + text : text + fill
}

func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((value * scale).rounded())
    if digits == 0 { return "\(whole)" }
    let fraction = String(abs(whole % Int(scale)))
    return "\(whole / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
}
