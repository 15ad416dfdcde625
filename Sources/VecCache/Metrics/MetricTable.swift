// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// Numbers of several objects, by families: each of these comes once, whatever objects have it.
struct MetricTable {
    private var families: [(metric: CacheMetric, samples: [(labels: [(name: String, value: String)], value: Double)])] = []
    private var places: [String: Int] = [:]

    mutating func add(_ metric: CacheMetric, _ labels: [(name: String, value: String)]) {
        if let place = places[metric.name] {
            families[place].samples.append((labels, metric.value))
        } else {
            places[metric.name] = families.count
            families.append((metric, [(labels, metric.value)]))
        }
    }

    mutating func counter(_ name: String, _ labels: [(name: String, value: String)], _ help: String, _ value: Int) {
        add(CacheMetric(name: name, kind: .counter, help: help, value: Double(value)), labels)
    }

    mutating func gauge(_ name: String, _ labels: [(name: String, value: String)], _ help: String, _ value: Double) {
        add(CacheMetric(name: name, kind: .gauge, help: help, value: value), labels)
    }

    /// - Parameter prefix: What all names begin with.
    func write(_ prefix: String, to text: inout MetricsText) {
        for (metric, samples) in families {
            text.family(prefix + metric.name, metric.kind, metric.help)
            for (labels, value) in samples {
                if let whole = Int64(exactly: value) {
                    text.sample(prefix + metric.name, labels, whole)
                } else {
                    text.sample(prefix + metric.name, labels, value)
                }
            }
        }
    }
}
