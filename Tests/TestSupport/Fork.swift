// fork(), which Glibc keeps from Swift because most Swift programs cannot go on after it. The library promises to.
// SPDX-License-Identifier: Apache-2.0

import Glibc

package enum Fork {
    /// - Returns: 0 in the child, the child's id in the parent.
    package static func fork() -> pid_t {
        guard let address = dlsym(nil, "fork") else { return -1 }
        return unsafeBitCast(address, to: (@convention(c) () -> pid_t).self)()
    }
}
