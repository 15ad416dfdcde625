// SPDX-License-Identifier: Apache-2.0

/// The lists and rows of an inverted file at one moment. Never changes, so a search that holds it sees one state.
final class IVFSnapshot: Sendable {
    /// What training found; nil before.
    let model: IVFModel?
    let rows: ListRows
    /// Some lists each: a change makes new pages where lists change, and shares the others.
    private let pages: [ListPage]
    /// Rows that are there.
    let count: Int
    /// Slots that are in use, or were.
    let usedSlots: Int

    private static let pageLists = 64

    private final class ListPage: Sendable {
        let lists: [ListState]
        init(_ lists: [ListState]) { self.lists = lists }
    }

    private init(_ model: IVFModel?, _ rows: ListRows, _ pages: [ListPage], count: Int, usedSlots: Int) {
        self.model = model
        self.rows = rows
        self.pages = pages
        self.count = count
        self.usedSlots = usedSlots
    }

    /// A state with the lists given; nil: empty ones.
    convenience init(
        _ model: IVFModel?, _ rows: ListRows, _ lists: [ListState]? = nil, count: Int = 0, usedSlots: Int = 0
    ) {
        let lists = lists ?? [ListState](repeating: ListState(), count: model?.nlist ?? 0)
        var pages: [ListPage] = []
        var from = 0
        while from < lists.count {
            let to = min(from + IVFSnapshot.pageLists, lists.count)
            pages.append(ListPage(Array(lists[from..<to])))
            from = to
        }
        self.init(model, rows, pages, count: count, usedSlots: usedSlots)
    }

    /// This state with some lists changed.
    func changing(_ changes: [(list: Int, state: ListState)], count: Int, usedSlots: Int) -> IVFSnapshot {
        var pages = self.pages
        var byPage: [Int: [(Int, ListState)]] = [:]
        for (list, state) in changes {
            byPage[list / IVFSnapshot.pageLists, default: []].append((list % IVFSnapshot.pageLists, state))
        }
        for (p, changes) in byPage {
            var lists = pages[p].lists
            for (i, state) in changes { lists[i] = state }
            pages[p] = ListPage(lists)
        }
        return IVFSnapshot(model, rows, pages, count: count, usedSlots: usedSlots)
    }

    /// This state with another model of as many lists. The rows of lists that are others there are not to be left in them.
    func replacing(_ model: IVFModel) -> IVFSnapshot { IVFSnapshot(model, rows, pages, count: count, usedSlots: usedSlots) }

    var listCount: Int { model?.nlist ?? 0 }

    @inline(__always)
    func list(_ i: Int) -> ListState { pages[i / IVFSnapshot.pageLists].lists[i % IVFSnapshot.pageLists] }
}
