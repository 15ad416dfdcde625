// SPDX-License-Identifier: Apache-2.0

/// What a file of a collection's directory belongs to.
enum DiskPart: String, CaseIterable {
    case vectors, database, wal, graphs, other

    init(file name: String) {
        if name.hasSuffix(".rows") {
            self = .vectors
        } else if name == Catalog.fileName {
            self = .database
        } else if name == Catalog.fileName + "-wal" {
            self = .wal
        } else if name.hasPrefix("graph-") {
            self = .graphs
        } else {
            self = .other
        }
    }
}
