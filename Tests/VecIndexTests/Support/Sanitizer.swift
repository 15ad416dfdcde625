// Whether the tests run under a sanitizer: a few things cannot be tested there.
// SPDX-License-Identifier: Apache-2.0

import Glibc

enum Sanitizer {
    static let isAddress = dlsym(nil, "__asan_init") != nil
    static let isThread = dlsym(nil, "__tsan_init") != nil
}
