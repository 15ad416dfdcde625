// SPDX-License-Identifier: Apache-2.0

/// Text in the format in which Prometheus reads metrics, version 0.0.4.
package struct MetricsText {
    package private(set) var text = ""

    package init() {}

    package enum Kind: String {
        case counter, gauge, histogram
    }

    /// What the samples that come next are. Each family comes once.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: some BinaryInteger) {
        sample(name, labels, "\(value)")
    }

    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        sample(name, labels, value.description)
    }

    private mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(MetricsText.escaped($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
