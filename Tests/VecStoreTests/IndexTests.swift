// x
import Testing
import VecStore
@Test func a() throws { _ = try Index(dimension: 3) }
