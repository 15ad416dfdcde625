// SPDX-License-Identifier: Apache-2.0

/// Words that turn the sense of a prompt round, in lower case.
enum GuardWords {
    static let negations: Set<String> = [
        // English
        "not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without", "cannot", "cant", "wont", "dont",
        "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "shouldnt", "wouldnt", "couldnt", "hasnt", "havent", "except",
        "excluding", "unless",
        // German, French, Spanish, Portuguese, Italian
        "nicht", "kein", "keine", "keinen", "keiner", "ohne", "nie", "niemals", "pas", "jamais", "sans", "sin", "nunca", "não", "sem",
        "non", "senza", "mai",
    ]

    static let numbers: [String: String] = [
        "zero": "0", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
        "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60",
        "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100", "thousand": "1000", "million": "1000000",
    ]

    /// Names that are written in two ways, without points and hyphens.
    static let aliases: [String: String] = [
        "js": "javascript", "ts": "typescript", "golang": "go", "postgres": "postgresql", "k8s": "kubernetes", "usa": "us",
        "mongo": "mongodb", "gcloud": "gcp",
    ]

    private static let pairs: [(String, String)] = [
        ("enable", "disable"), ("increase", "decrease"), ("open", "close"), ("start", "stop"), ("allow", "block"), ("allow", "deny"),
        ("buy", "sell"), ("before", "after"), ("minimum", "maximum"), ("min", "max"), ("first", "last"), ("up", "down"),
        ("on", "off"), ("true", "false"), ("add", "remove"), ("add", "delete"), ("create", "delete"), ("import", "export"),
        ("upload", "download"), ("encode", "decode"), ("encrypt", "decrypt"), ("hot", "cold"), ("left", "right"), ("win", "lose"),
        ("ascending", "descending"), ("asc", "desc"), ("more", "less"), ("most", "least"), ("best", "worst"), ("higher", "lower"),
        ("high", "low"), ("push", "pull"), ("show", "hide"), ("read", "write"), ("input", "output"), ("internal", "external"),
        ("public", "private"), ("send", "receive"), ("sync", "async"), ("client", "server"), ("old", "new"), ("early", "late"),
        ("lock", "unlock"), ("pack", "unpack"), ("zip", "unzip"), ("load", "unload"), ("mount", "unmount"), ("link", "unlink"),
        ("do", "undo"), ("upgrade", "downgrade"), ("login", "logout"), ("positive", "negative"), ("success", "failure"),
    ]

    /// By stem: the stems that mean the opposite.
    static let opposites: [String: [String]] = {
        var opposites: [String: [String]] = [:]
        for (a, b) in pairs {
            opposites[stem(a), default: []].append(stem(b))
            opposites[stem(b), default: []].append(stem(a))
        }
        return opposites
    }()

    /// What turns a longer word into its opposite.
    static let prefixes = ["un", "dis", "non", "de", "anti"]
    static let leastPrefixed = 5

    /// A word without the endings that do not change what it is about.
    static func stem(_ word: String) -> String {
        for ending in ["ing", "ed", "es", "s", "e"] where word.hasSuffix(ending) && word.utf8.count >= ending.utf8.count + 3 {
            return String(word.dropLast(ending.count))
        }
        return word
    }
}
