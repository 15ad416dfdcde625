// SPDX-License-Identifier: Apache-2.0

extension Filter {
    /// The paths that its conditions are about; those within the elements of an array are not among them, which no index knows.
    var paths: Set<PayloadPath> {
        var paths = Set<PayloadPath>()
        for condition in must + should + mustNot + (minShould?.conditions ?? []) {
            switch condition {
            case .field(let path, _): paths.insert(path)
            case .filter(let filter): paths.formUnion(filter.paths)
            case .hasID, .hasVector, .nested: break
            }
        }
        return paths
    }
}
