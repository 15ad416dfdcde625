// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Brings all points into the graphs, takes out those that were removed, saves the graphs and what is known of ids and fields, and
    /// writes the log of the database into its file. Searches and writes go on meanwhile; points that are written then may be left.
    func indexAll(progress: Progress?) throws(VecStoreError) {
        guard let writer, let indexer else {
            throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone")
        }
        try indexer.finish(self, progress: progress)
        try indexer.save(self, writer)
        if options.memory == .disk { _ = try indexer.mapGraphs(self, writer) }
        try saveAllFields()
        try writing { database throws(VecStoreError) in
            saveIDs(database)
            _ = try database.number("PRAGMA optimize")
            _ = try database.number("PRAGMA wal_checkpoint(PASSIVE)")
        }
    }
}
