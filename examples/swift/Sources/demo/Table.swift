// Prints a question and its hits as lines of at most 100 columns.
// SPDX-License-Identifier: Apache-2.0
import Foundation
import VecStore

private let width = 100
private let nameWidth = 24
private let textColumn = 37

func show(_ question: String, _ micros: Int, _ hits: [Hit], _ packages: [(name: String, text: String)]) {
    print("  " + pad(question, to: width - 14) + String(format: "%7d", micros) + " µs")
    for hit in hits {
        let package = packages[Int(hit.id)]
        let text = wrap(package.text, to: width - textColumn).joined(separator: "\n" + pad("", to: textColumn))
        print("    " + String(format: "%.3f", hit.distance) + "  " + pad(package.name, to: nameWidth) + "  " + text)
    }
    print()
}

private func pad(_ text: String, to columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - text.count))
}

/// Lines of at most `columns` characters, broken at spaces; a longer word has a line of its own.
private func wrap(_ text: String, to columns: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
        if lines[lines.count - 1].isEmpty {
            lines[lines.count - 1] = String(word)
        } else if lines[lines.count - 1].count + 1 + word.count <= columns {
            lines[lines.count - 1] += " " + word
        } else {
            lines.append(String(word))
        }
    }
    return lines
}
