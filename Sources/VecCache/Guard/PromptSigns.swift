// SPDX-License-Identifier: Apache-2.0

/// What must agree in two prompts for one to be answered with the response to the other, however near their vectors are:
/// numbers, negation, words of opposite sense, and names.
///
/// Embeddings hardly see these: "the population of France in 2019" lies next to that of 2021. The rules err on the side of
/// refusing, which costs a call of the model, while a wrong response costs trust.
struct PromptSigns {
    private var numbers = Set<String>()
    private var isNegated = false
    /// Words that stand for something of their own: identifiers, words in capitals, and capitalised words within sentences.
    private var names = Set<String>()
    /// Capitalised words of a text that has them all over: they count where the other text is such a title too.
    private var titleNames = Set<String>()
    private let hasTitleCase: Bool
    /// All words as names are compared, and what else a name of the other prompt may be written as here.
    private var keys = Set<String>()
    private var order: [String] = []
    private var stems = Set<String>()
    /// Quoted passages, as keys.
    private var quotations: [[String]] = []

    /// From this share of capitalised words on, capitals say nothing: it is a title.
    private static let titleShare = 0.6

    init(_ prompt: some Sequence<UInt8>) {
        let words = PromptText(prompt).words
        hasTitleCase = PromptSigns.hasTitleCase(words)
        var quoted: [Int: [String]] = [:]
        for word in words {
            let text = PromptSigns.withoutPossessive(word.text)
            let lower = text.lowercased()
            let key = PromptSigns.key(lower)
            // "GPT 4" is "GPT-4".
            if let before = order.last { keys.insert(before + key) }
            order.append(key)
            keys.insert(key)
            if let quotation = word.quotation { quoted[quotation, default: []].append(key) }
            if let number = PromptSigns.number(lower) {
                numbers.insert(number)
                continue
            }
            if GuardWords.negations.contains(lower) || lower.hasSuffix("n't") || lower.hasSuffix("n’t") { isNegated = true }
            stems.insert(GuardWords.stem(lower))
            if PromptSigns.isIdentifier(text) {
                names.insert(key)
                noteDigits(key)
            } else if PromptSigns.isName(word, text) {
                if hasTitleCase { titleNames.insert(key) } else { names.insert(key) }
            }
        }
        quotations = quoted.values.filter { !$0.isEmpty }
    }

    func agree(with other: PromptSigns) -> Bool {
        numbers == other.numbers && isNegated == other.isNegated && other.hasNames(of: self) && hasNames(of: other)
            && other.has(quotations) && has(other.quotations) && !isOpposite(other) && !other.isOpposite(self)
    }

    /// The numbers in an identifier, and what it is without them: "Python 3" is "python3".
    private mutating func noteDigits(_ key: String) {
        var letters = "", digits = ""
        for scalar in key.unicodeScalars {
            if PromptText.isDigit(scalar) {
                digits.unicodeScalars.append(scalar)
            } else {
                if !digits.isEmpty { numbers.insert(digits) }
                digits = ""
                letters.unicodeScalars.append(scalar)
            }
        }
        if !digits.isEmpty { numbers.insert(digits) }
        keys.insert(letters)
    }

    // MARK: - Comparing

    private func hasNames(of other: PromptSigns) -> Bool {
        other.names.isSubset(of: keys) && (!hasTitleCase || other.titleNames.isSubset(of: keys))
    }

    private func has(_ quotations: [[String]]) -> Bool {
        quotations.allSatisfy { quotation in
            guard order.count >= quotation.count else { return false }
            return (0...(order.count - quotation.count)).contains { order[$0..<($0 + quotation.count)].elementsEqual(quotation) }
        }
    }

    /// Whether the other one has the opposite of a word in the place of that word.
    private func isOpposite(_ other: PromptSigns) -> Bool {
        for stem in stems where !other.stems.contains(stem) {
            for opposite in GuardWords.opposites[stem] ?? [] where other.stems.contains(opposite) && !stems.contains(opposite) {
                return true
            }
            guard stem.utf8.count >= GuardWords.leastPrefixed else { continue }
            for prefix in GuardWords.prefixes {
                let opposite = prefix + stem
                if other.stems.contains(opposite) && !stems.contains(opposite) { return true }
            }
        }
        return false
    }

    // MARK: - Words

    private static func hasTitleCase(_ words: [PromptText.Word]) -> Bool {
        let long = words.filter { $0.text.unicodeScalars.count >= 4 }
        return long.count >= 4 && Double(long.count(where: \.isCapitalised)) >= titleShare * Double(long.count)
    }

    private static func withoutPossessive(_ text: String) -> String {
        text.hasSuffix("'s") || text.hasSuffix("’s") ? String(text.dropLast(2)) : text
    }

    /// How names are compared: "Node.js" is "nodejs", "APIs" is "api".
    private static func key(_ lower: String) -> String {
        var key = ""
        for scalar in lower.unicodeScalars where !"-._".unicodeScalars.contains(scalar) { key.unicodeScalars.append(scalar) }
        if let name = GuardWords.aliases[key] { return name }
        return key.utf8.count > 3 && key.hasSuffix("s") ? String(key.dropLast()) : key
    }

    /// A number in one form, without what separates thousands and without its unit; nil: it is none.
    private static func number(_ lower: String) -> String? {
        if let number = GuardWords.numbers[lower] { return number }
        guard let first = lower.unicodeScalars.first, PromptText.isDigit(first) else { return nil }
        var digits = "", isOver = false, unit = ""
        for scalar in lower.unicodeScalars {
            if isOver {
                unit.unicodeScalars.append(scalar)
            } else if PromptText.isDigit(scalar) || scalar == "." || scalar == "-" {
                digits.unicodeScalars.append(scalar)
            } else if scalar != "," {
                isOver = true
                unit.unicodeScalars.append(scalar)
            }
        }
        // "3.0" is 3, but "3.10" of a version is not 3.1.
        if digits.hasSuffix(".0") && !digits.dropLast(2).contains(".") { digits = String(digits.dropLast(2)) }
        switch unit {
        case "k": return digits + "000"
        case "m": return digits + "000000"
        default: return digits
        }
    }

    /// Whether it looks like what people or programs call something: with a digit, an underline, a point, or a capital
    /// inside, as in "PostgreSQL" and "German-Swedish".
    private static func isIdentifier(_ text: String) -> Bool {
        var hasLower = false, capitals = 0
        for scalar in text.unicodeScalars {
            if PromptText.isDigit(scalar) || "_+#".unicodeScalars.contains(scalar) { return true }
            if scalar == "." { return !["e.g", "i.e", "a.m", "p.m"].contains(text.lowercased()) }
            if scalar.properties.isUppercase {
                capitals += 1
                if hasLower { return true }
            }
            if scalar.properties.isLowercase { hasLower = true }
        }
        return capitals >= 2 && !hasLower
    }

    private static func isName(_ word: PromptText.Word, _ text: String) -> Bool {
        guard word.isCapitalised, !word.isFirstOfSentence else { return false }
        return !["I", "I'm", "I’m", "I'd", "I’d", "I'll", "I’ll", "I've", "I’ve"].contains(text)
    }
}
