// SPDX-License-Identifier: Apache-2.0

/// The words of a prompt, with what the text says of them besides.
struct PromptText {
    struct Word {
        /// As it is written.
        var text: String
        var isFirstOfSentence = false
        /// The number of the quotation that it is in; nil: in none.
        var quotation: Int?

        var isCapitalised: Bool { text.unicodeScalars.first?.properties.isUppercase ?? false }
    }

    private(set) var words: [Word] = []

    init(_ bytes: some Sequence<UInt8>) {
        let scalars = Array(String(decoding: Array(bytes), as: UTF8.self).unicodeScalars)
        var place = 0
        var isFirst = true
        var quotation: Int?, closing: Unicode.Scalar = "\""
        var quotations = 0
        while place < scalars.count {
            let scalar = scalars[place]
            if PromptText.isPart(scalar) {
                let start = place
                place = PromptText.end(of: scalars, from: place)
                var word = Word(text: "", isFirstOfSentence: isFirst, quotation: quotation)
                word.text.unicodeScalars.append(contentsOf: scalars[start..<place])
                words.append(word)
                isFirst = false
                continue
            }
            if quotation != nil && scalar == closing {
                quotation = nil
            } else if quotation == nil, let end = PromptText.closing(scalar), PromptText.opens(scalars, place) {
                quotation = quotations
                quotations += 1
                closing = end
            }
            if ".!?:\n。！？".unicodeScalars.contains(scalar) { isFirst = true }
            place += 1
        }
    }

    private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return isLetter(scalar) || isDigit(scalar) }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) }
    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// Where the word ends: what stands between two letters or digits may belong to it, as in "node.js", "1,000" and "don't".
    private static func end(of scalars: [Unicode.Scalar], from start: Int) -> Int {
        var place = start
        while place < scalars.count {
            if isPart(scalars[place]) {
                place += 1
            } else if "-._,'’".unicodeScalars.contains(scalars[place]), place + 1 < scalars.count, isPart(scalars[place + 1]) {
                // A comma belongs to numbers alone.
                if scalars[place] == "," && !(isDigit(scalars[place - 1]) && isDigit(scalars[place + 1])) { break }
                place += 1
            } else {
                break
            }
        }
        // "C++", "C#"
        while place < scalars.count, place - start <= 4, scalars[place] == "+" || scalars[place] == "#" { place += 1 }
        return place
    }

    private static func closing(_ opening: Unicode.Scalar) -> Unicode.Scalar? {
        switch opening {
        case "\"": "\""
        case "`": "`"
        case "'": "'"
        case "“", "„": "”"
        case "«": "»"
        default: nil
        }
    }

    /// Whether a quotation begins here, and ends before the text does. An apostrophe is no quotation mark after a letter.
    private static func opens(_ scalars: [Unicode.Scalar], _ place: Int) -> Bool {
        guard let end = closing(scalars[place]), place == 0 || !isPart(scalars[place - 1]) else { return false }
        return scalars[(place + 1)...].contains(end)
    }
}
